"""The magazine's practical pieces: what one can cook, carry or walk."""

from __future__ import annotations

from typing import Final

from maydan_blog.demo.writing import both, link, post

FEATURES: Final = (
    post(
        "tea-twice",
        title=("Tea, twice", "شاي مرّتين"),
        excerpt=(
            "Two kettles, one on top of the other, six pods of cardamom and no hurry.",
            "إبريقان أحدهما فوق الآخر، وستّ حبّات من الهال، ولا عجلة.",
        ),
        body=both(
            (
                """
<p>Every tea house on the square will tell you that the secret is in the leaves. It is in the steam.</p>
<h2>For four small glasses</h2>
<ul>
<li>3 teaspoons of black tea, loose</li>
<li>6 pods of cardamom, cracked and not crushed</li>
<li>1 litre of water</li>
<li>sugar, in lumps, on the side</li>
</ul>
<h2>How</h2>
<ol>
<li>Bring the water to the boil in the large kettle.</li>
<li>Put tea and cardamom into the small pot, pour a glass of the boiling water over them, and <em>throw that water
away</em> after ten seconds. It has washed the dust off the leaves and taken the bitterness along.</li>
<li>Fill the small pot by half, and set it on the large kettle in place of the lid.</li>
<li>Turn the flame down. Fifteen minutes, no less: the tea must never boil, it must only be kept company.</li>
<li>Pour a third of a glass from the small pot and fill up from the large one. Hold it against the light: it should
be the colour of a brick that has been rained upon.</li>
</ol>
<p>The second glass is always better than the first. Nobody knows why, so always make enough for two.</p>
""",
                """
<p>سيقول لك كلّ مقهى في الميدان إنّ السرّ في ورق الشاي. السرّ في البخار.</p>
<h2>لأربعة استكانات</h2>
<ul>
<li>ثلاث ملاعق صغيرة من الشاي الأسود السائب</li>
<li>ستّ حبّات هال مشقوقة غير مسحوقة</li>
<li>لتر ماء</li>
<li>سكّر قوالب يُقدَّم إلى جانبه</li>
</ul>
<h2>الطريقة</h2>
<ol>
<li>اغلِ الماء في الإبريق الكبير.</li>
<li>ضع الشاي والهال في القوري الصغير، وصُبّ عليهما مقدار استكان من الماء المغليّ، ثمّ <em>أرِق هذا الماء</em> بعد
عشر ثوانٍ: فقد غسل الغبار عن الورق وحمل المرارة معه.</li>
<li>املأ القوري إلى نصفه، وضعه على الإبريق الكبير مكان الغطاء.</li>
<li>اخفض النار. ربع ساعة لا أقلّ: لا ينبغي للشاي أن يغلي أبدًا، بل أن يجد من يؤنسه.</li>
<li>صُبّ ثلث الاستكان من القوري وأكمله من الإبريق. ارفعه إلى الضوء: ينبغي أن يكون بلون آجُرّةٍ بلّلها المطر.</li>
</ol>
<p>الاستكان الثاني أطيب من الأوّل دائمًا، ولا أحد يعرف السبب؛ فأعدّ دائمًا ما يكفي لاثنين.</p>
""",
            )
        ),
        day="2026-10-09T15:00:00Z",
        author=link("noor-haddad"),
        about=("the-table",),
        post_tags=[link("tea")],
    ),
    post(
        "a-map-of-shade",
        title=("A map of shade", "خريطة الظلّ"),
        excerpt=(
            "From the bridge to the station at two in the afternoon, almost without the sun. We timed it.",
            "من الجسر إلى المحطّة في الثانية بعد الظهر، من غير شمس تقريبًا. لقد حسبنا الوقت.",
        ),
        body=both(
            (
                """
<p>The shortest way from the bridge to the station takes eleven minutes and, in July, most of your good humour. The
way that I have drawn takes fourteen. You'll be in the sun for less than two of them.</p>
<ol>
<li><strong>The arcade, left side.</strong> Keep to the wall: the awnings leave a strip of light along the
kerb.</li>
<li><strong>Through the courtyard of the dyers.</strong> It looks private and isn't. Say good day; everyone
does.</li>
<li><strong>Mulberry Lane.</strong> Eight trees, planted in 1951 by a teacher whose name is on none of them. At two
o'clock their shadows meet in the middle of the road.</li>
<li><strong>The one bad corner.</strong> Forty seconds, no shade at all, between the lane and the post office.
Somebody has put a chair there. Don't sit on it, it's hot.</li>
<li><strong>The underpass.</strong> Cool, and somebody always sings in it.</li>
</ol>
<p>I measured eighteen streets for this. The difference between a street with trees and one without, at the height
of a child's head, was nine degrees.</p>
""",
                """
<p>أقصر طريق من الجسر إلى المحطّة يستغرق إحدى عشرة دقيقة، ويستغرق معها في تمّوز معظمَ صفاء مزاجك. أمّا الطريق الذي
رسمتُه فأربع عشرة دقيقة، لا تقضي في الشمس منها دقيقتين.</p>
<ol>
<li><strong>الرواق، الجهة اليسرى.</strong> الزم الجدار: فالمظلّات تترك شريطًا من الضوء عند حافّة الرصيف.</li>
<li><strong>عبر فناء الصبّاغين.</strong> يبدو خاصًّا وليس كذلك. ألقِ التحيّة؛ فالجميع يفعل.</li>
<li><strong>زقاق التوت.</strong> ثماني شجرات غرسها عام ١٩٥١ معلّمٌ لا تحمل واحدة منها اسمه. في الثانية تلتقي ظلالها
وسط الطريق.</li>
<li><strong>الزاوية السيّئة الوحيدة.</strong> أربعون ثانية بلا ظلّ البتّة بين الزقاق ودائرة البريد. وضع أحدهم هناك
كرسيًّا. لا تجلس عليه، فهو ساخن.</li>
<li><strong>النفق.</strong> بارد، وفيه دائمًا من يغنّي.</li>
</ol>
<p>قستُ لهذه الخريطة ثمانية عشر شارعًا. والفرق بين شارع مشجّر وآخر بلا شجر، عند ارتفاع رأس طفل، كان تسع درجات.</p>
""",
            )
        ),
        day="2026-10-23T11:00:00Z",
        author=link("samir-aziz"),
        about=("the-city",),
        post_tags=[link("shade"), link("walking")],
        format="image",
    ),
    post(
        "how-to-read-a-market-stall",
        title=("How to read a market stall", "كيف تقرأ بسطة السوق"),
        excerpt=(
            "The front row is for looking at. Six things that a stall tells you before the seller does.",
            "الصفّ الأمامي للفرجة. ستّة أشياء تقولها لك البسطة قبل أن يقولها البائع.",
        ),
        body=both(
            (
                """
<ol>
<li>The front row is for looking at. Ask for what stands behind it; a good seller will be pleased to be asked.</li>
<li>Look at the scales before the tomatoes. Clean scales, honest tomatoes.</li>
<li>Herbs in water were cut this morning. Herbs in a wet cloth were cut this morning too, by someone who knows
herbs.</li>
<li>Where the women of the quarter queue, queue. Where only visitors do, photograph.</li>
<li>A pyramid is a promise that nobody will buy from the bottom.</li>
<li>If you are offered a taste, the price is fair. If you are offered a chair, it isn't.</li>
</ol>
<p>And go late once in your life, when the stalls come down. What is given away in the last ten minutes of a market
is the best description of a town that I know.</p>
""",
                """
<ol>
<li>الصفّ الأمامي للفرجة. اطلب ممّا وراءه؛ فالبائع الجيّد يسرّه أن تسأل.</li>
<li>انظر إلى الميزان قبل الطماطم: ميزانٌ نظيف، طماطم صادقة.</li>
<li>الخضرة التي في الماء قُطفت هذا الصباح. والتي في قماش مبلول قُطفت هذا الصباح أيضًا، قطفها من يعرف الخضرة.</li>
<li>حيث تصطفّ نساء المحلّة فاصطفّ. وحيث لا يصطفّ إلّا الزائرون فالتقط صورة.</li>
<li>الهرم وعدٌ بأنّ أحدًا لن يشتري من أسفله.</li>
<li>إذا دُعيت إلى أن تذوق فالسعر عادل. وإذا دُعيت إلى أن تجلس فليس كذلك.</li>
</ol>
<p>واذهب متأخّرًا ولو مرّة في عمرك، ساعةَ تُرفع البسطات. فما يُعطى في الدقائق العشر الأخيرة من السوق أصدقُ وصف
لمدينةٍ أعرفه.</p>
""",
            )
        ),
        day="2026-11-06T08:00:00Z",
        author=link("noor-haddad"),
        about=("the-table", "the-city"),
        post_tags=[link("morning")],
    ),
)
