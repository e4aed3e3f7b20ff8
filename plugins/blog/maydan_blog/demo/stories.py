"""The magazine's stories."""

from __future__ import annotations

from typing import Final

from maydan_blog.demo.writing import both, link, post

STORIES: Final = (
    post(
        "the-square-before-sunrise",
        title=("The square before sunrise", "الميدان قبل شروق الشمس"),
        excerpt=(
            "At half past three only the ovens are awake. An hour with the people who make a town's first sound.",
            "في الثالثة والنصف لا يكون مستيقظًا سوى الأفران. ساعةٌ مع الذين يصنعون أوّل أصوات المدينة.",
        ),
        body=both(
            (
                """
<p>Nobody who lives here has ever seen the square empty. We believe that we have, because we once crossed it late at
night; but on the east side, behind a shutter that is never quite closed, somebody was already weighing flour.</p>
<p>Abu Karim lights his oven at half past three. He doesn't look at the clock. “The dough tells me,” he says, and
presses a thumb into it: when the hollow comes back slowly, it is time. In August it comes back sooner than in
January, and so the square wakes earlier in summer, although nobody ever decided that it should.</p>
<h2>Four hundred loaves</h2>
<p>By five there are four hundred loaves on the boards, shaped like small boats. The first to come are not customers
but neighbours: the guard of the bank, two nurses on their way home, a taxi driver who will not say how long his
shift has been. They pay with coins and with news.</p>
<p>What strikes a visitor is how little is said. The oven roars, the peel scrapes, a loaf is broken and passed on.
It is the only hour at which the square belongs to people who are tired in different ways.</p>
<h2>The sound</h2>
<p>Then, a little before six, the shutter goes up the whole way. You hear it three streets off. Ask anyone here what
wakes them and they will say the light, or the birds. It is the shutter.</p>
""",
                """
<p>لم يرَ أحدٌ من سكّان هذا الحيّ الميدانَ خاليًا قطّ. نظنّ أنّنا رأيناه، لأنّنا عبرناه مرّةً في ساعة متأخّرة من
الليل؛ غير أنّ شخصًا ما، في الجهة الشرقيّة، خلف مصراعٍ لا يُغلق تمامًا، كان قد بدأ يزن الطحين.</p>
<p>يُشعل أبو كريم فرنه في الثالثة والنصف، ولا ينظر إلى الساعة. يقول: «العجين هو الذي يخبرني»، ويضغط عليه بإبهامه:
فإذا عاد الأثر إلى مكانه على مهل فقد حان الوقت. وهو يعود في آب أسرع منه في كانون، ولذلك يصحو الميدان في الصيف أبكر،
مع أنّ أحدًا لم يقرّر ذلك يومًا.</p>
<h2>أربعمئة رغيف</h2>
<p>عند الخامسة يكون على الألواح أربعمئة رغيف تشبه زوارق صغيرة. وأوّل القادمين ليسوا زبائن بل جيران: حارس المصرف،
وممرّضتان في طريقهما إلى البيت، وسائق أجرة لا يريد أن يقول كم طالت نوبته. يدفعون نقودًا معدنيّة وأخبارًا.</p>
<p>وما يلفت الزائر قلّةُ الكلام. الفرن يهدر، والمجرفة تحتكّ بالحجر، ورغيفٌ يُكسر ويُناوَل. إنّها الساعة الوحيدة التي
يكون فيها الميدان لأناسٍ متعبين، كلٌّ على طريقته.</p>
<h2>الصوت</h2>
<p>ثمّ يُرفع المصراع كلّه قبيل السادسة، فيُسمع من مسافة ثلاثة شوارع. اسأل أيّ واحد هنا عمّا يوقظه، وسيقول: الضوء، أو
العصافير. إنّما هو المصراع.</p>
""",
            )
        ),
        day="2026-09-04T04:30:00Z",
        author=link("noor-haddad"),
        about=("the-city", "the-table"),
        post_tags=[link("morning"), link("bread")],
        sticky=True,
    ),
    post(
        "the-man-who-hears-clocks",
        title=("The man who hears clocks", "الرجل الذي يسمع الساعات"),
        excerpt=(
            "Hikmat has repaired the town's clocks for forty years. He can't see the wheels any more, nor need he.",
            "يُصلح حكمت ساعات المدينة منذ أربعين عامًا. لم يعد يرى تروسها، ولم يعد يحتاج إلى ذلك.",
        ),
        body=both(
            (
                """
<p>The shop is as wide as a door and a half. On its walls hang thirty-one clocks, and no two agree. “If they all
told the same time,” says Hikmat, “I should have nothing to do.”</p>
<p>He is seventy-four, and his eyes began to fail ten years ago. He told nobody. He had noticed that he had long
stopped looking: he turned a movement over, held it to his ear, and knew. A dry pivot clicks on the way out and not
on the way back. A bent tooth limps. A mainspring that someone has oiled with kitchen oil, and there is always
someone, sounds, he says, “like a man who has eaten too much”.</p>
<blockquote><p>People bring me a clock and apologise for it. I tell them: it has been right twice a day all the
time. How many of us can say that?</p></blockquote>
<p>His granddaughter Rand sits beside him now, three afternoons a week. She sees for him and he hears for her. When
I ask which of them is the apprentice, they both point at the other.</p>
<p>The big clock over the old customs house, which stood at ten past four for as long as I can remember, has been
going since Tuesday. Nobody paid for it. If you stand below it at noon you'll see an old man with his head tilted,
listening.</p>
""",
                """
<p>عرض الدكّان بابٌ ونصف. وعلى جدرانه إحدى وثلاثون ساعة لا تتّفق منها اثنتان. يقول حكمت: «لو أشارت كلّها إلى الوقت
نفسه لما بقي لي عمل».</p>
<p>عمره أربعة وسبعون عامًا، وقد بدأ بصره يضعف قبل عشرة أعوام، ولم يُخبر أحدًا. فقد لاحظ أنّه كفّ عن النظر منذ زمن
طويل: يقلب الآلة، ويقرّبها من أذنه، فيعرف. المحور الجافّ ينقر ذاهبًا ولا ينقر عائدًا، والسنّ المعوجّة تعرج. أمّا
النابض الذي زيّته أحدهم بزيت الطبخ، ولا بدّ من أحدهم دائمًا، فصوته، كما يقول، «صوت رجلٍ أكل أكثر ممّا ينبغي».</p>
<blockquote><p>يأتيني الناس بالساعة وهم يعتذرون عنها، فأقول لهم: لقد كانت مصيبةً مرّتين كلّ يوم طوال هذا الوقت. كم
واحدًا منّا يستطيع أن يقول ذلك عن نفسه؟</p></blockquote>
<p>تجلس حفيدته رند إلى جانبه الآن ثلاث عصريّات في الأسبوع: ترى له ويسمع لها. وحين سألتُ أيّهما التلميذ أشار كلٌّ
منهما إلى الآخر.</p>
<p>أمّا الساعة الكبيرة فوق مبنى الجمرك القديم، التي وقفت عند الرابعة وعشر دقائق منذ وعيت، فهي تعمل منذ يوم الثلاثاء.
لم يدفع أحد أجرة ذلك. وإذا وقفت تحتها عند الظهر رأيت شيخًا مائل الرأس يُصغي.</p>
""",
            )
        ),
        day="2026-09-18T09:00:00Z",
        author=link("samir-aziz"),
        about=("crafts",),
        post_tags=[link("repair")],
    ),
    post(
        "a-bench-for-everyone",
        title=("A bench for everyone", "مقعدٌ للجميع"),
        excerpt=(
            "A square without benches is a corridor. Why the place where one may sit for nothing is worth defending.",
            "ميدانٌ بلا مقاعد ممرٌّ لا غير. لماذا يستحقّ المكان الذي نجلس فيه بلا مقابل أن ندافع عنه.",
        ),
        body=both(
            (
                """
<p>Last spring the council took eleven benches out of the square “for repair”. They have been in repair for six
months. I went to count what was left: four, all in the sun.</p>
<p>A bench is a strange thing to own together. It does nothing, sells nothing and is never finished. And yet you may
tell the temper of a town by its benches: whether they have backs, whether they face each other, whether an iron bar
has been screwed across the middle so that nobody can lie down.</p>
<p>The old know this best. For those of us whose knees are sound, a bench is a pleasure; for my aunt it is the
reason that she can reach the pharmacy at all. She plans her way from seat to seat as a sailor does from harbour to
harbour. Take one out, and you have not removed a piece of furniture. You have moved the pharmacy out of her
reach.</p>
<p>So here is a modest proposal. Two hundred paces: let no one in this town ever be further than that from a place
to sit, in the shade, without having to buy anything. It would take thirty-eight benches. I have walked it, and
Samir has drawn the map.</p>
""",
                """
<p>في الربيع الماضي رفعت البلديّة أحد عشر مقعدًا من الميدان «للصيانة»، وما زالت في الصيانة منذ ستّة أشهر. ذهبتُ أعدّ
ما بقي: أربعة، وكلّها في الشمس.</p>
<p>المقعد شيءٌ غريب حين نملكه معًا: لا يفعل شيئًا، ولا يبيع شيئًا، ولا ينتهي أمره أبدًا. ومع ذلك تستطيع أن تعرف طبع
المدينة من مقاعدها: ألها مساند؟ أيواجه بعضها بعضًا؟ أم ثُبّت في وسطها قضيب من حديد كي لا يستلقي عليها أحد؟</p>
<p>والكبار أعلمنا بذلك. فالمقعد لمن سلمت ركبتاه متعة، أمّا خالتي فلولاه لما بلغت الصيدليّة أصلًا. إنّها ترسم طريقها
من مقعد إلى مقعد كما يرسم البحّار طريقه من مرفأ إلى مرفأ. فإذا رفعتَ واحدًا منها فأنت لم تُزل قطعة أثاث، بل نقلت
الصيدليّة إلى حيث لا تصل إليها.</p>
<p>وهذا اقتراحٌ متواضع: مئتا خطوة. ألّا يبعد أحدٌ في هذه المدينة أكثر من ذلك عن مكان يجلس فيه، في الظلّ، من غير أن
يشتري شيئًا. يكفي لذلك ثمانية وثلاثون مقعدًا. لقد مشيتُ الطريق كلّه، ورسم سمير الخريطة.</p>
""",
            )
        ),
        day="2026-10-02T07:15:00Z",
        author=link("noor-haddad"),
        about=("the-city",),
        post_tags=[link("shade"), link("walking")],
    ),
)
