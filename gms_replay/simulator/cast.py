"""Who the agents are, and what they say.

The family names mean "example" or "sample", so that none is a real person's. Scripts, directions and lengths differ, as
those of real agents do. `{name}` is the client, `{agent}` the agent, `{text}` what the client said.
"""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Cast:
    """An agent, and an agent's words; the replies come in turn."""

    agent: str
    greeting: str
    replies: tuple[str, ...]
    farewell: str


@dataclass(frozen=True, slots=True)
class _Tongue:
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    greetings: tuple[str, ...]
    replies: tuple[str, ...]
    farewells: tuple[str, ...]


ARTICLE = Cast(
    "Kristi Sippola",
    "Hello {name}, this is Kristi. How can I help you?",
    (
        'You write "{text}". Let me look into that.',
        'Thank you, {name}. I have noted "{text}".',
        'I see: "{text}". Give me a moment, please.',
    ),
    "Thank you for chatting with us, {name}. Goodbye!",
)
"""The agent of the vendor's article."""

_TONGUES = (
    _Tongue(
        ("Jo", "Annabel", "Bartholomew", "D."),
        ("Sample", "O'Specimen", "Example-Placeholder III", "Emo"),
        ("Hi.", "Hello {name}, {agent} here. What can I do for you?", "Good day {name}! \U0001f44b You have {agent}."),
        (
            "OK.",
            "Got it: {text}",
            "One moment, {name}, I'm checking \u201c{text}\u201d with the warehouse \u2014 it won't be long.",
            "Thank you for your patience, {name}. Our records are spread over more than one system, and each of them "
            "takes its time; what you wrote (\u201c{text}\u201d) has been added to your file, and whoever picks it up "
            "next will see the whole conversation, this line included.",
        ),
        ("Bye!", "Thanks, {name}. Anything else, just write again. \U0001f600", "Goodbye {name}, from {agent}."),
    ),
    _Tongue(
        ("Jörg", "Änne", "Ute", "Hans-Jürgen"),
        ("Mustermann-Süß", "Beispiel", "Probe", "von und zu Vorlage"),
        ("Guten Tag {name}, hier schreibt {agent}.", "Grüß Gott! Worum geht es?"),
        (
            "Ich prüfe das: „{text}“.",
            "Einen Augenblick bitte, {name} …",
            "Verstanden.",
            "Größe? Straße? Oder „{text}“?",
        ),
        ("Auf Wiedersehen, {name}!", "Schönen Tag noch. Tschüß!"),
    ),
    _Tongue(
        ("Zoé", "François", "Maëlle", "Loïc"),
        ("Échantillon", "Exemple-Modèle", "Spécimen", "d'Essai"),
        ("Bonjour {name}, je suis {agent}\u00a0; que puis-je faire pour vous\u00a0?", "Bonjour\u00a0!"),
        ("«\u00a0{text}\u00a0»… Je regarde ça.", "Très bien, {name}, c'est noté.", "Un instant, s'il vous plaît."),
        ("Merci de votre visite, {name}, et à bientôt\u00a0!", "Au revoir."),
    ),
    _Tongue(
        ("Łucja", "Grażyna", "Zdzisława"),
        ("Przykładowska", "Wzorowa", "Próbna"),
        ("Dzień dobry, {name}. W czym mogę pomóc?", "Witam, z tej strony {agent}."),
        ("Sprawdzam: „{text}”.", "Chwileczkę, {name}, już szukam…", "Zanotowane."),
        ("Dziękuję i do widzenia, {name}.", "Miłego dnia!"),
    ),
    _Tongue(
        ("Ада", "Юлия", "Любовь"),
        ("Примерова", "Образцова-Типовая", "Пробная"),
        ("Здравствуйте, {name}! Меня зовут {agent}. Чем могу помочь?", "Добрый день."),
        ("«{text}» — проверяю.", "Минуту, {name}, пожалуйста.", "Понятно."),
        ("Спасибо за обращение, {name}. До свидания!", "Хорошего дня."),
    ),
    _Tongue(
        ("Ζωή", "Ευγενία", "Ήβη"),
        ("Παραδειγματίδου", "Δοκιμίδου", "Υποδειγματοπούλου"),
        ("Καλημέρα {name}, λέγομαι {agent}. Πώς βοηθάω;", "Γεια σας."),
        ("«{text}»: το κοιτάζω.", "Ένα λεπτό, {name}.", "Εντάξει."),
        ("Ευχαριστώ, {name}. Αντίο σας!", "Καλή συνέχεια."),
    ),
    _Tongue(
        ("見本", "例", "試験"),
        ("花子", "太郎", "一"),
        ("{name}様、{agent}と申します。ご用件をお聞かせください。", "こんにちは。"),
        ("「{text}」ですね。確認いたします。", "{name}様、少々お待ちください。", "承知しました。"),
        ("{name}様、ありがとうございました。失礼いたします。", "さようなら。"),
    ),
    _Tongue(
        ("سارة", "ليلى", "نور"),
        ("النموذجي", "التجريبي", "المثال"),
        ("مرحبا {name}، معك {agent}. كيف أساعدك؟", "أهلا."),
        ("«{text}»: سأتحقق من ذلك.", "لحظة من فضلك، {name}.", "حسنا."),
        ("شكرا {name}، مع السلامة!", "إلى اللقاء."),
    ),
)


def draw(random: Random) -> Cast:
    """An agent with words in one tongue, the replies in an order of the agent's own."""
    tongue = random.choice(_TONGUES)
    return Cast(
        f"{random.choice(tongue.first_names)} {random.choice(tongue.last_names)}",
        random.choice(tongue.greetings),
        tuple(random.sample(tongue.replies, len(tongue.replies))),
        random.choice(tongue.farewells),
    )
