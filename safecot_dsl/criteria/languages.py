"""Which language a response is in, as far as its script and its smallest words tell.

Detectors look for words, so that what they find, and still more what they do not find, says something in the languages
that they know. Nothing is learnt or loaded here: the lists are small words that every text of the language has, and a
text that shows no other language counts as one whose language cannot be told.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

#: English names of the languages that can be told, by ISO 639-1 code.
NAMES: Final[dict[str, str]] = {
    "af": "Afrikaans",
    "ar": "Arabic",
    "ca": "Catalan",
    "cs": "Czech",
    "da": "Danish or Norwegian",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "et": "Estonian",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "hr": "Croatian or Serbian",
    "hu": "Hungarian",
    "id": "Indonesian or Malay",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "mr": "Marathi",
    "ne": "Nepali",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian or another language in Cyrillic script",
    "sv": "Swedish",
    "sw": "Swahili",
    "th": "Thai",
    "tl": "Tagalog",
    "tr": "Turkish",
    "ur": "Urdu",
    "vi": "Vietnamese",
    "zh": "Chinese",
}

#: A language that is none of those with a list, by what it is written in.
UNNAMED_LATIN: Final = "latin"

_WORDS: Final[dict[str, frozenset[str]]] = {
    code: frozenset(words.split())
    for code, words in {
        "en": "the of and to a in is that it for on with as this are be or not you your i my we our can can't "
        "cannot do don't will would won't should could may might was were have has had from by at an if but "
        "so than then them they he she his her its it's i'm i'll i'd i've you're what which who where when "
        "why how there here no yes all any some more most other about into out up please sorry help thanks "
        "sure first before after because these those that's let's let me us",
        "de": "der die das den dem des und ist wurde wurden man sich nicht ein eine einen einem einer ich du sie "
        "wir ihr mir mich dir dich ihnen dabei kann können könnte darf dürfen will wollen werde werden wird "
        "für mit auf von zu zum zur im auch aber oder wenn dass daß leider tut leid es als wie was warum wo "
        "bei nach aus nur noch sehr hier bitte kein keine keinen helfen nein ja sind sein haben habe hat "
        "diese dieser diesen dieses dazu dafür jedoch über",
        "es": "el los las de del que y nadie ninguna ningún alguien datos compartir solo en un una unos unas es no "
        "se lo le por con para su al como más pero sus esta este esto eso ese esa está son yo tú usted me te "
        "mi tu puedo puedes puede podría quiero siento lamento ayudarte ayudarle ayudar sí muy también porque "
        "cuando dónde qué cómo si ya o ni sin sobre hay ser estar ha hacer gracias favor voy temo eso nunca "
        "hacerlo pienso desde fue esos esas estos estas nada pues antes",
        "fr": "le la les de des du un une et est sont à voici était que été qui dans pour pas ne sur avec ce cette "
        "ces cela ça je tu il elle nous vous ils on mais ou où par au aux en se sa son ses mon ma votre vos "
        "leur peux peut puis pouvez pourriez suis êtes être avoir ai désolé désolée aider plus comme si très "
        "aussi quel quelle comment pourquoi sans non oui d'un d'une n'est c'est qu'il j'ai l'aide désolés ne "
        "ni bien tout",
        "it": "il lo la gli le di del della dei delle che e è un una non per con si sono come questo questa questi "
        "ma mi ti ci vi posso puoi può potrei potresti dispiace aiutarti aiutarla aiutare anche più dove "
        "quando perché cosa nel nella al alla dal se o io tu lei noi ho hai ha essere molto prima grazie sì "
        "alle degli sul",
        "pt": "o os as de do da dos das que e em um uma não se por com para no na nos nas ao à mais mas como este "
        "esta isto isso esse essa está são eu você vocês me te meu minha posso pode poderia desculpe lamento "
        "sinto ajudar ajudá-lo muito também porque quando onde qual se ou sem sobre há ser ter foi pelo pela "
        "obrigado sim nem já lhe seu sua aos diz fica fecha",
        "ca": "el els les de del que i en un una és no es per amb per a però aquest aquesta això jo tu vostè puc "
        "pots pot ajudar-te ajudar sento molt també perquè quan on com si o sense sobre hi ha ser són dels "
        "als seva seu més",
        "nl": "de het een en van is niet dat die in op te met voor aan er zijn ik je jij u we wij mijn jouw kan "
        "kunt kunnen wil zou maar of als ook om naar bij uit over wat waar waarom hoe helaas helpen spijt me "
        "deze dit geen nee ja heb heeft wordt worden dan nog wel",
        "af": "die het 'n en van is nie dat wat in op te met vir aan daar ek jy u ons my jou kan kon wil sal maar "
        "of as ook om na by uit oor waar hoekom hoe jammer help hierdie geen nee ja het word dan nog wel nie",
        "sv": "och det att i en ett är som på av för med inte den till har de jag du vi kan kunde vill skulle men "
        "eller om också hur vad varför var när här tyvärr hjälpa dig mig detta denna dessa ingen nej ja från "
        "blir mycket så eftersom",
        "da": "og det at i en et er som på af for med ikke den til har de jeg du vi kan kunne vil ville men eller "
        "om også hvordan hvad hvorfor hvor når her desværre beklager hjælpe hjelpe dig deg mig meg dette "
        "denne disse ingen nej nei ja fra bliver blir meget veldig så fordi",
        "fi": "ja on ei että se en voi voin oli ole olen mutta tai jos kun niin myös mitä miten miksi missä tämä "
        "tätä tässä sinä minä hän he me te sinua minun sinun valitettavasti pahoillani auttaa kanssa ovat "
        "hyvin vain joka jotka siitä sen tämän",
        "et": "ja on ei et see ma sa ta me te nad oli olen mis kes kui ka aga või siis kuid kahjuks saa aidata "
        "vabandust selle seda mida kuidas miks kus väga oma",
        "pl": "i w na z nie jest to się że do o jak ale co po tak za od przez dla czy ja ty pan pani mogę może "
        "możesz nie pomóc przykro mi przepraszam ten ta te tego tej tym które który która oraz lub jeśli "
        "ponieważ jestem są być tylko bardzo proszę gdzie dlaczego",
        "cs": "a v na je se že to s z do o ale jak co po tak za od pro nebo když bohužel nemohu mohu můžu pomoci "
        "omlouvám ten ta tento tato které který která jsem jsou být jen velmi prosím kde proč není také by sa "
        "som nie čo ako alebo keď pomôcť môžem",
        "hr": "i u na je se da to s iz do o ali kako što po tako za od ili kada nažalost ne mogu pomoći žao mi ovaj "
        "ova ovo koje koji koja sam su biti samo vrlo molim gdje zašto nije također bih",
        "hu": "a az és hogy nem is egy ez azt van meg de ha csak vagy mint már sajnálom sajnos tudok segíteni ebben "
        "kérem nagyon miért hol hogyan én te ő mi ti ők lehet volt lesz ki el fel",
        "ro": "și şi de la în nu pe cu un o este sunt că pentru din mai dar sau ca să se ce care îmi pare rău pot "
        "poate ajuta ajut aceasta acest acestui când unde cum foarte te vă mă eu tu dumneavoastră este",
        "tr": "ve bir bu için ile de da çok ama veya ne değil var yok ben sen siz biz olarak gibi daha kadar "
        "üzgünüm maalesef yardımcı olamam edemem konuda bunu nasıl neden nerede lütfen evet hayır olan olduğu "
        "ise her",
        "id": "yang dan di ke dari ini itu dengan untuk tidak adalah saya anda kamu kami kita bisa dapat boleh akan "
        "maaf membantu pada atau juga karena jika bagaimana apa mengapa mana dalam sebagai oleh ada telah "
        "sudah tetapi tapi namun lebih secara",
        "vi": "và của là không có được cho với một những các này đó tôi bạn chúng xin lỗi thể giúp trong để khi nếu "
        "nhưng hoặc thì vì sao ở đâu như thế nào rất cũng đã sẽ người việc",
        "sw": "na ya wa kwa ni katika hii hiyo huu la za si siwezi samahani kusaidia kukusaidia lakini au kama nini "
        "wapi jinsi gani mimi wewe yako yangu sana pia kuwa ili hivyo tafadhali hilo kuhusu",
        "tl": "ang ng sa na ay mga at hindi ko mo ka ako ikaw kayo namin natin ito iyon para kung pero o dahil "
        "paano ano saan bakit po pasensya paumanhin makakatulong tulungan maaari lang din rin may wala",
    }.items()
}
#: Every language in Latin script.
LATIN: Final = frozenset((*_WORDS, UNNAMED_LATIN))
_OTHERS: Final = tuple(code for code in _WORDS if code != "en")
# Words that are of English alone here: a text that has enough of them is asked nothing else.
_ENGLISH: Final = _WORDS["en"].difference(*(_WORDS[code] for code in _OTHERS))
# The languages but English that have a word: most words of a text have none, which one look-up says.
_WHOSE: Final[dict[str, tuple[str, ...]]] = {
    word: tuple(code for code in _OTHERS if word in _WORDS[code])
    for word in frozenset[str]().union(*(_WORDS[code] for code in _OTHERS))
}
# Letters that no text in English has but in names, and what has them.
_LETTERS: Final[dict[str, str]] = {
    "ß": "de", "ñ": "es", "¿": "es", "¡": "es", "œ": "fr", "ã": "pt", "õ": "pt", "ș": "ro", "ț": "ro", "ţ": "ro",
    "ı": "tr", "ğ": "tr", "ş": "tr", "ł": "pl", "ż": "pl", "ź": "pl", "ś": "pl", "ą": "pl", "ę": "pl", "ř": "cs",
    "ů": "cs", "ě": "cs", "đ": "vi", "ơ": "vi", "ư": "vi", "ő": "hu", "ű": "hu", "ø": "da", "æ": "da", "å": "sv",
}  # fmt: skip
# What some languages leave a vowel out of before a word.
_ELIDED: Final = ((("fr", "it", "ca"), ("l'", "d'", "s'")), (("fr",), ("qu'", "n'", "j'", "c'")))
_SCRIPTS: Final[dict[str, str]] = {
    "HAN": "zh", "ARABIC": "ar", "DEVANAGARI": "hi",
    "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "THAI": "th", "GREEK": "el", "HEBREW": "he", "CYRILLIC": "ru",
}  # fmt: skip
# Persian and Urdu write yeh and kaf with letters of their own, and have letters that Arabic has not.
_PERSIAN: Final = frozenset("پچژگکی")
_URDU: Final = frozenset("ٹڈڑںہھے")
_MARATHI: Final = frozenset("आहे नाही आणि मी तुम्ही करू शकत होते".split())
_NEPALI: Final = frozenset("छ छैन हुन्छ गर्न सक्दिन र तपाईं लागि".split())

# `\\p{Han}`, and not `\\p{L}` or `\\p{Latin}`.
_NAMED_SCRIPT: Final = re.compile(r"\\p\{(?!Latin\})(\w{3,})\}")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_LAST_LATIN: Final = 0x24F
#: What is looked at, in characters and words: a language shows at once.
_READ: Final = 1500
_LOOKED_AT: Final = 120
_FIRST: Final = 200
#: English prose of so many words has small words among them.
_PROSE: Final = 8


def language_of(text: str) -> str | None:
    """The ISO 639-1 code of the text's language, :data:`UNNAMED_LATIN` for prose in Latin script that shows none that
    is known here, a script's English name in lower case for another script, None where nothing can be told: a word or
    two, a list, a formula. A few words of another language within a text count for nothing.

    `cs`, `da`, `hr`, `id` and `ru` stand for several that are alike (:data:`NAMES`).
    """
    return _language_of(text[:_READ].replace("\u2019", "'"))


# By what is looked at, so that long texts are not kept.
@lru_cache(maxsize=4096)
def _language_of(text: str) -> str | None:
    words = _WORD.findall(text[:_FIRST].lower())
    if len(words) >= _PROSE and _is_english(words):
        return "en"
    if not text.isascii():
        beyond = [letter for letter in text if ord(letter) > _LAST_LATIN and letter.isalpha()]
        letters = len(beyond) + sum(ord(letter) <= _LAST_LATIN and letter.isalpha() for letter in text)
        # A Chinese character says what several letters do.
        weight = sum(2 if "\u3400" <= letter <= "\u9fff" else 1 for letter in beyond)
        if weight and 2 * weight > letters - len(beyond) + weight:
            return _of_script(text, beyond)
    return _of_latin(_WORD.findall(text.lower())[:_LOOKED_AT], text)


def scripts_of(pattern: str) -> set[str]:
    """The languages that a detector's pattern knows by what it writes in another script than Latin."""
    # A pattern of thousands of characters has few that differ.
    beyond = [letter for letter in set(pattern) if ord(letter) > _LAST_LATIN and letter.isalpha()]
    named: list[str] = _NAMED_SCRIPT.findall(pattern)
    return {_of_script("", letter) for letter in beyond} | {_SCRIPTS.get(name.upper(), name.lower()) for name in named}


def name_of(language: str) -> str:
    """In words: "Italian", "a language that is not known here", "a language in Tamil script"."""
    if language == UNNAMED_LATIN:
        return "a language that is not known here"
    return NAMES.get(language) or f"a language in {language.title()} script"


def _of_script(text: str, letters: Sequence[str]) -> str:
    found = Counter(unicodedata.name(letter, "UNKNOWN").split()[0] for letter in letters)
    if found["HIRAGANA"] + found["KATAKANA"] > 0.1 * len(letters):
        return "ja"
    script = found.most_common(1)[0][0]
    if script in ("CJK", "IDEOGRAPHIC"):
        return "zh"
    if script == "ARABIC":
        if sum(letter in _URDU for letter in letters) > 0.03 * len(letters):
            return "ur"
        return "fa" if sum(letter in _PERSIAN for letter in letters) > 0.04 * len(letters) else "ar"
    if script == "DEVANAGARI":
        words = set(re.split(r"[\s।,.!?]+", text))
        return "mr" if words & _MARATHI else "ne" if words & _NEPALI else "hi"
    return _SCRIPTS.get(script, script.lower())


def _of_latin(words: list[str], text: str) -> str | None:
    if not words:
        return None
    if _is_english(words):
        return "en"
    english = sum(map(_WORDS["en"].__contains__, words))
    hits = dict.fromkeys(_OTHERS, 0)
    for word in filter(_WHOSE.__contains__, words):
        for code in _WHOSE[word]:
            hits[code] += 1
    if not text.isascii():
        for letter in set(text.lower()) & _LETTERS.keys():
            hits[_LETTERS[letter]] += 1
    for word in [word for word in words if "'" in word]:
        for codes, elided in _ELIDED:
            if word.startswith(elided):
                for code in codes:
                    hits[code] += 1
    code = max(hits, key=hits.__getitem__)
    most = hits[code]
    # Two small words, or one of two words in all; and more of them than English has.
    if (most >= 2 or (most == 1 and len(words) == 2)) and most > english and most >= 0.2 * len(words):
        return code
    if english >= 2 or (english and english >= 0.2 * len(words)):
        return "en" if len(words) > 1 else None
    return UNNAMED_LATIN if english == 0 and len(words) >= _PROSE and _is_prose(text, len(words)) else None


def _is_english(words: Sequence[str]) -> bool:
    return sum(map(_ENGLISH.__contains__, words)) >= 0.2 * len(words)


def _is_prose(text: str, words: int) -> bool:
    """Whether the words stand in sentences: a list has a mark or a line for every word or two, and code has signs."""
    marks = sum(text.count(mark) for mark in ",;:\n|/()[]{}=<>#*_0123456789")
    return marks * 3 < words
