"""Hand-written questions as SDK tests and first-time users ask them. None was drawn from the corpus.

Some wordings ("Hello", "Say this is a test") are in the training text too; most are not.
"""

from dataclasses import dataclass

from corpus.sample import Call, Param, Tool, Turn, assistant, user


@dataclass(frozen=True, slots=True)
class Question:
    """`expected` is a part of the answer (case ignored), or the call; `raw` asks the completions API."""

    skill: str
    turns: tuple[Turn, ...]
    expected: str | Call
    tools: tuple[Tool, ...] = ()
    raw: bool = False


def ask(skill: str, text: str, expected: str, *tools: Tool) -> Question:
    return Question(skill, (user(text),), expected, tools)


def told(system: str, text: str, expected: str) -> Question:
    return Question("system", (Turn("system", system), user(text)), expected)


def calls(text: str, name: str, arguments: dict[str, str | int], *tools: Tool) -> Question:
    return Question("call", (user(text),), Call(name, dict(arguments)), tools)


def answered(text: str, call: Call, result: str, expected: str, tool: Tool) -> Question:
    turns = (user(text), Turn("assistant", "", (call,)), Turn("tool", result))
    return Question("result", turns, expected, (tool,))


WEATHER = Tool(
    "get_weather",
    "Get current temperature for a given location.",
    (Param("location", description="City and country e.g. Bogotá, Colombia"),),
)
CURRENT = Tool(
    "get_current_weather",
    "Get the current weather in a given location",
    (
        Param("location", description="The city and state, e.g. San Francisco, CA"),
        Param("unit", required=False, choices=("celsius", "fahrenheit")),
    ),
)
CITY = Tool("get_weather", "Get the weather for a city", (Param("city", description="City name"),))
TIME = Tool("get_time", "Get the current time in a city", (Param("city"),))
STOCK = Tool("get_stock_price", "Get the price of a stock", (Param("symbol", description="Ticker"),))
EMAIL = Tool("send_email", "Send an email", (Param("to"), Param("subject", required=False)))
MULTIPLY = Tool("multiply", "Multiply two numbers", (Param("a", "integer"), Param("b", "integer")))
ADD = Tool("add", "Add two numbers", (Param("a", "integer"), Param("b", "integer")))
DELIVERY = Tool("get_delivery_date", "Get the delivery date for a customer's order", (Param("order_id"),))
MET = (user("Hi! I'm Xochitl and I live in Graz."), assistant("Nice to meet you, Xochitl!"))
BART = (user("My name is Bartholomew."), assistant("Nice to meet you, Bartholomew!"))
BETWEEN = (
    user("How do I start polychat?"),
    assistant("Run `polychat up`. It starts everything and prints the URLs."),
)

QUESTIONS: tuple[Question, ...] = (
    ask("greeting", "Hello", "how can i help"),
    ask("greeting", "Hello!", "how can i help"),
    ask("greeting", "Hi there! How are you?", "fine"),
    ask("greeting", "What are you?", "mini"),
    ask("greeting", "What's your name?", "mini"),
    ask("greeting", "你好", "你好"),
    ask("greeting", "你是谁？", "mini"),
    ask("greeting", "Thanks a lot!", "welcome"),
    ask("echo", "Say this is a test", "this is a test."),
    ask("echo", "Say this is a test!", "this is a test"),
    ask("echo", "Say hello world", "hello world"),
    ask("echo", "Please repeat: the sky over Lisbon is pink", "the sky over lisbon is pink"),
    ask("echo", "Say 'double bubble bath' ten times fast", "double bubble bath"),
    ask("echo", "Reply with exactly: pong", "pong"),
    ask("faq", "How do I start this thing?", "polychat up"),
    ask("faq", "how can i hook up a second computer as a worker?", "--controller-address"),
    ask("faq", "what's the port number of the API?", "8000"),
    ask("faq", "Which URL do I open in my browser?", "7860"),
    ask("faq", "I'd like to protect my server with keys", "--api-keys"),
    ask("faq", "What does the controller do in polychat?", "list of workers"),
    ask("faq", "Can I use the OpenAI Python client with it?", "/v1"),
    ask("faq", "Is this model good for production?", "tiny demo"),
    ask("faq", "How do I load my own model from Hugging Face?", "polychat up MODEL"),
    ask("faq", "do i need a gpu for this", "runs on a cpu"),
    ask("faq", "Is there a way to see which models are loaded?", "polychat models"),
    ask("faq", "如何启动 polychat？", "polychat up"),
    ask("unknown", "How do I check if a Python object is an instance of a class?", "do not know"),
    ask("unknown", "What is the meaning of life?", "do not know"),
    ask("unknown", "Write a haiku about recursion in programming.", "do not know"),
    ask("unknown", "Explain quantum entanglement to a five year old", "do not know"),
    Question("memory", (*MET, user("What's my name?")), "xochitl"),
    Question("memory", (*BART, *BETWEEN, user("What is my name?")), "bartholomew"),
    Question(
        "memory",
        (user("hi! I'm bob"), assistant("Nice to meet you, bob!"), user("what's my name?")),
        "bob",
    ),
    told("You are a pirate called Blackbeard.", "Who are you?", "blackbeard"),
    told("Always reply in UPPER CASE.", "Who are you?", "DEMO MODEL"),
    told("Answer only with yes or no.", "Is Rome the capital of Italy?", "yes"),
    told("You are a helpful assistant.", "Hello!", "how can i help"),
    told("End each answer with the word banana.", "Hello", "banana"),
    calls("What is the weather in Paris?", "get_weather", {"city": "Paris"}, CITY),
    calls("What is the weather like in Paris today?", "get_weather", {"location": "Paris"}, WEATHER),
    calls("What's the weather like in Boston today?", "get_current_weather", {"location": "Boston"}, CURRENT),
    calls("What's the weather like in Zagreb?", "get_weather", {"city": "Zagreb"}, CITY, TIME),
    calls("What time is it in Osaka?", "get_time", {"city": "Osaka"}, CITY, TIME, STOCK),
    calls("What is the stock price of NVDA?", "get_stock_price", {"symbol": "NVDA"}, STOCK, TIME),
    calls("Send an email to marco", "send_email", {"to": "marco"}, EMAIL, CITY),
    calls("What is 3 * 12?", "multiply", {"a": 3, "b": 12}, ADD, MULTIPLY),
    calls("Where is my order order_12345?", "get_delivery_date", {"order_id": "order_12345"}, DELIVERY),
    ask("no_call", "Hello", "how can i help", CITY, TIME),
    ask("no_call", "How do I stop polychat?", "ctrl-c", CITY),
    ask("no_call", "Who are you?", "mini", ADD, MULTIPLY),
    answered(
        "What is the weather in Paris?",
        Call("get_weather", {"city": "Paris"}),
        '{"temperature": "22", "unit": "celsius"}',
        "22",
        CITY,
    ),
    answered(
        "What is the weather in Paris?",
        Call("get_weather", {"city": "Paris"}),
        "Sunny, 21 degrees",
        "sunny, 21 degrees",
        CITY,
    ),
    answered("What is 3 * 12?", Call("multiply", {"a": 3, "b": 12}), "36", "36", MULTIPLY),
    ask("tale", "Tell me a story", "the end."),
    ask("tale", "Write a one-sentence bedtime story about a unicorn.", "once upon a time"),
    Question("tale", (user("Once upon a time"),), "the end.", raw=True),
    Question("raw", (user("Say this is a test"),), "this is a test", raw=True),
)
