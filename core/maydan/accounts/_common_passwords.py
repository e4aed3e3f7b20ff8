"""The passwords that are tried first, of eight characters and more, case-folded."""

from __future__ import annotations

from typing import Final

_LIST: Final = """
password password1 password12 password123 password1234 passw0rd p@ssw0rd p@ssword pa55word pa$$word
12345678 123456789 1234567890 12345678910 0123456789 87654321 987654321 9876543210 123123123 11223344 1122334455
112233445566 123454321 12341234 123321123 147258369 159357456 789456123 741852963 963852741 1q2w3e4r 1q2w3e4r5t
1qaz2wsx 1qaz2wsx3edc q1w2e3r4 q1w2e3r4t5 qwertyui qwertyuiop qwerty12 qwerty123 qwerty1234 qwertz123 azerty123
azertyuiop asdfghjk asdfghjkl asdfasdf zxcvbnm1 zxcvbnm123 qazwsxedc qazwsx123 1234qwer qwer1234 abcd1234 abc12345
abcdefgh abcdefg1 abcdefghi a1b2c3d4 a1234567 a12345678 aa123456 aa12345678 1234abcd 12345abc 12345qwert
iloveyou iloveyou1 iloveyou2 iloveu123 loveyou123 sunshine sunshine1 princess princess1 football football1 baseball
baseball1 basketball superman superman1 batman123 spiderman pokemon123 starwars starwars1 trustno1 whatever
whatever1 letmein1 letmein123 welcome1 welcome12 welcome123 welcome1234 changeme changeme1 changeme123 default1
administrator admin123 admin1234 admin12345 admin123456 adminadmin root1234 rootroot toor1234 test1234 testtest
test12345 testing1 testing123 guest123 user1234 username login123 computer computer1 internet samsung1 samsung123
google123 facebook facebook1 linkedin youtube123 microsoft windows1 master123 michael1 jennifer jordan23 michelle
charlie1 corvette mercedes maverick midnight mountain marlboro scooter1 sterling swordfish victoria viktoria
dolphins elephant einstein explorer fernando garfield gateway1 goldfish graphics hardcore hello123 hello1234
helpme123 isabella jonathan liverpool liverpool1 arsenal1 chelsea1 barcelona realmadrid juventus manchester
monkey123 dragon123 shadow123 secret123 secret12 secretpassword soccer123 hockey123 killer123 ashley123 daniel123
nicole123 jessica1 anthony1 matthew1 alexander elizabeth christian benjamin nicholas stephanie samantha veronica
00000000 11111111 22222222 33333333 44444444 55555555 66666666 77777777 88888888 99999999 000000000 111111111
0000000000 1111111111 12121212 13131313 69696969 00112233 20202020 10203040 31415926 314159265 24681012 13579111
passwort passwort1 passwort123 kennwort motdepasse contrasena senha123 hasło123 пароль123 parola123 wachtwoord
correcthorsebatterystaple correct-horse-battery-staple opensesame blink182 access14 ncc1701d rush2112 thx11381
maydan123 maydanmaydan
"""

COMMON: Final = frozenset(_LIST.split())
"""From the usual lists of leaked passwords, as NIST SP 800-63B, section 5.1.1.2, wants them refused."""
