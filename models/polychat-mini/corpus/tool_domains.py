"""Tools as people really declare them, with the questions that call for them.

To add one: append a `domain(...)`. `{0}` in a question is the value of the first parameter. The
domains of evaluation are in `tool_domains_held`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slot:
    names: str  # one of these becomes the parameter's name
    kind: str  # see `tool_values.value`
    required: bool = True
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Domain:
    names: str
    descriptions: str
    slots: tuple[Slot, ...]
    asks: str


def slot(text: str) -> Slot:
    """Parse `names:kind`, `names:kind?` (optional) or `names:choice/choice` (an enum)."""
    names, kind = text.split(":")
    required = not kind.endswith("?")
    kind = kind.rstrip("?")
    choices = tuple(kind.split("/")) if "/" in kind else ()
    return Slot(names, "choice" if choices else kind, required, choices)


def domain(names: str, descriptions: str, slots: str, asks: str) -> Domain:
    return Domain(names, descriptions, tuple(slot(s) for s in slots.split()), asks)


WEATHER_ASKS = (
    "What is the weather in {0}?|What's the weather like in {0}?|how is the weather in {0}?|weather in {0}"
    "|weather {0}"
    "|What is the weather like in {0} today?|is it raining in {0}?|will it rain in {0}?|is it cold in {0}?"
    "|tell me the weather in {0}|what's the weather in {0} right now?|do i need an umbrella in {0}?"
    "|how warm is it in {0}?"
    "|What is the temperature in {0}?|What's the current weather in {0}?|give me the weather for {0}"
    "|how hot is it in {0}?"
    "|can you check the weather in {0}?|What will the weather be in {0}?|i am in {0}, what is the weather?"
    "|get the weather in {0}|please get the weather for {0}|is it sunny in {0}?"
    "|What's the weather in {0}, in {1}?"
    "|weather in {0} in {1}|What is the weather in {0} in {1}?|use {1} and tell me the weather in {0}"
)
TRAIN: tuple[Domain, ...] = (
    domain(
        "get_weather|get_current_weather|weather|getWeather|fetch_weather|get_weather_info|current_weather",
        "Get the weather for a city|Get the current weather in a given location|Returns the current weather"
        "|Get weather"
        "|Get current temperature for a given location.|Get the current weather"
        "|Look up the weather of a place",
        "city|location|place:city unit|units|format:celsius/fahrenheit?",
        WEATHER_ASKS,
    ),
    domain(
        "get_weather|get_current_weather|get_temperature",
        "Get the weather for a city|Get the current weather in a given location"
        "|Get the temperature of a city",
        "city|location|city_name:city",
        WEATHER_ASKS.split("|What's the weather in {0}, in")[0],
    ),
    domain(
        "get_time|get_current_time|current_time|time_in_city|getTime",
        "Get the current time in a city|Returns the time in a location|Get the local time of a place",
        "city|location|timezone:city",
        "What time is it in {0}?|what's the time in {0}?|current time in {0}|time in {0}"
        "|tell me the time in {0}"
        "|what is the time in {0} now?|how late is it in {0}?|do you know the time in {0}?"
        "|local time in {0}?",
    ),
    domain(
        "get_stock_price|stock_price|get_quote|getStockPrice",
        "Get the price of a stock|Get the current stock price for a ticker symbol|Returns a stock quote",
        "symbol|ticker|stock:ticker",
        "What is the stock price of {0}?|what is the price of {0} stock?|price of {0}|how much is {0} worth?"
        "|stock price {0}"
        "|get the stock price for {0}|how is {0} doing?|quote for {0}|what does {0} stock cost?"
        "|What's the price of {0}?",
    ),
    domain(
        "send_email|email|send_mail|sendEmail",
        "Send an email|Send an email to a recipient|Sends a mail to a person",
        "to|recipient|address:person subject|title:word? body|text|message:text?",
        "send an email to {0}|email {0}|please send a mail to {0}|send an email to {0} with subject {1}"
        "|mail {0}"
        '|Send an email to {0} saying "{2}"|write an email to {0} about {1}'
        "|send {0} an email with the subject {1}"
        '|send an email to {0} with subject {1} and body "{2}"|email {0} with the text "{2}"',
    ),
    domain(
        "send_message|send_sms|text_contact",
        "Send a text message|Send an SMS to a contact|Sends a message to a person",
        "to|contact|name:person text|message|content:text",
        'send {0} the message "{1}"|text {0}: {1}|tell {0} "{1}"|send a message to {0} saying {1}'
        "|message {0} that {1}"
        '|write "{1}" to {0}',
    ),
    domain(
        "search|web_search|search_web|google_search|internet_search",
        "Search the web|Search the internet for a query|Finds pages on the web|Run a web search",
        "query|q|search_term|text:topic",
        "search for {0}|search the web for {0}|google {0}|look up {0}|find information about {0}"
        "|search {0} online"
        "|can you search the internet for {0}?|please look up {0} on the web|do a web search for {0}"
        "|find {0} online",
    ),
    domain(
        "add|add_numbers|sum|calculator_add",
        "Add two numbers|Adds a and b|Returns the sum of two numbers",
        "a|x|first:int b|y|second:int",
        "what is {0} + {1}?|add {0} and {1}|what is {0} plus {1}?|{0} + {1}|sum {0} and {1}"
        "|calculate {0} plus {1}"
        "|how much is {0} + {1}?|What is the sum of {0} and {1}?",
    ),
    domain(
        "multiply|multiply_numbers|mul",
        "Multiply two numbers|Multiplies a and b|Returns the product of two numbers",
        "a|x|first:int b|y|second:int",
        "what is {0} times {1}?|multiply {0} by {1}|what is {0} * {1}?|{0} * {1}|{0} x {1}"
        "|multiply {0} and {1}"
        "|how much is {0} times {1}?|What is the product of {0} and {1}?",
    ),
    domain(
        "convert_temperature|convert_units|to_unit",
        "Convert a value to another unit|Converts units",
        "value|amount|number:int unit|to|target:celsius/fahrenheit/kelvin",
        "convert {0} to {1}|what is {0} in {1}?|{0} degrees to {1}|change {0} into {1}"
        "|how much is {0} in {1}?",
    ),
    domain(
        "book_table|reserve_table|make_reservation",
        "Book a table at a restaurant|Reserve a table|Make a restaurant reservation",
        "restaurant|place|name:person guests|people|party_size:int",
        "book a table at {0} for {1}|reserve a table for {1} at {0}|table for {1} people at {0}"
        "|book {0} for {1} people"
        "|I want a table at {0} for {1} guests|make a reservation at {0} for {1}",
    ),
    domain(
        "set_alarm|alarm|create_alarm",
        "Set an alarm|Sets an alarm at a time|Create an alarm",
        "time|at:clock",
        "set an alarm for {0}|wake me up at {0}|alarm at {0}|please set an alarm at {0}"
        "|I need to get up at {0}",
    ),
    domain(
        "set_timer|start_timer|timer",
        "Start a timer|Set a timer in minutes|Starts a countdown",
        "minutes|duration|length:int",
        "set a timer for {0} minutes|timer {0} minutes|start a {0} minute timer|count down {0} minutes"
        "|remind me in {0} minutes",
    ),
    domain(
        "create_event|add_event|add_to_calendar|create_meeting",
        "Create a calendar event|Add an event to the calendar|Create a meeting",
        "title|name|summary:topic date|day|when:date",
        "create an event {0} on {1}|add {0} to my calendar for {1}|put {0} in the calendar on {1}"
        "|schedule {0} for {1}"
        "|plan a meeting about {0} on {1}|new event: {0} on {1}",
    ),
    domain(
        "play_music|play_song|play",
        "Play a song|Play music by an artist|Starts the music",
        "song|artist|name|track:person",
        "play {0}|play music by {0}|play a song by {0}|I want to hear {0}|put on {0}|can you play some {0}?"
        "|start {0}",
    ),
    domain(
        "turn_on_light|light_on|switch_light_on",
        "Turn on the light in a room|Switch on a light",
        "room|where|location:room",
        "turn on the light in the {0}|switch on the {0} light|lights on in the {0}|make it bright in the {0}"
        "|{0} light on",
    ),
    domain(
        "set_light|set_lamp|control_light",
        "Set the light of a room|Switch a light on or off",
        "room|where:room state|mode|value:on/off",
        "turn the {0} light {1}|switch {1} the light in the {0}|turn {1} the {0} light"
        "|set the {0} light to {1}|{0} light {1}",
    ),
    domain(
        "translate|translate_text",
        "Translate a text|Translates text to another language|Translate to a language",
        "text|input|content:text language|target_language|to:language",
        'translate "{0}" to {1}|translate "{0}" into {1}|how do you say "{0}" in {1}?|say "{0}" in {1}'
        '|"{0}" in {1}',
    ),
    domain(
        "get_user|find_user|lookup_user|get_user_info",
        "Get a user by name|Look up a user|Find the record of a user",
        "name|username|user:person",
        "find the user {0}|who is the user {0}?|get user {0}|look up user {0}|show me the user {0}"
        "|user info for {0}",
    ),
    domain(
        "get_order|order_status|track_order|get_delivery_date",
        "Get the status of an order|Get the delivery date for a customer's order|Track an order by its id",
        "order_id|id|number:code",
        "where is my order {0}?|what is the status of order {0}?|track order {0}|when will order {0} arrive?"
        "|order {0}?"
        "|status of order {0}|get the delivery date of order {0}|my order is {0}, where is it?",
    ),
    domain(
        "read_file|open_file|load_file|cat_file",
        "Read a file|Returns the content of a file|Open a file",
        "path|file|filename:path",
        "read {0}|open {0}|show me the file {0}|what is in {0}?|read the file {0}|print {0}|load {0}"
        "|content of {0}",
    ),
    domain(
        "list_files|ls|list_directory",
        "List the files of a folder|List a directory|Shows the files in a folder",
        "path|folder|directory:path",
        "list the files in {0}|what files are in {0}?|ls {0}|show the folder {0}|list {0}"
        "|which files are in {0}?",
    ),
    domain(
        "get_news|news|latest_news|fetch_news",
        "Get the news about a topic|Returns the latest headlines|Get news",
        "topic|subject|query:topic",
        "what is the news about {0}?|news about {0}|latest news on {0}|any news about {0}?"
        "|show me the news about {0}",
    ),
    domain(
        "get_joke|random_joke|tell_joke",
        "Get a random joke|Returns a joke|Tells a joke",
        "",
        "tell me a joke|make me laugh|joke please|give me a joke|i want to hear a joke|say something funny",
    ),
    domain(
        "get_date|today|current_date|get_current_date",
        "Get today's date|Returns the current date",
        "",
        "what day is it today?|what is today's date?|which date is it?|today's date|what day is today?"
        "|give me the date",
    ),
    domain(
        "roll_dice|roll|dice",
        "Roll dice|Roll a number of dice|Throws dice",
        "count|number|n:int sides:int?",
        "roll {0} dice|throw {0} dice|roll {0} dice with {1} sides|please roll {0} dice",
    ),
    domain(
        "get_distance|distance|route",
        "Get the distance between two places|Returns the way from one city to another",
        "start|from|origin:city end|to|destination:city",
        "how far is it from {0} to {1}?|distance from {0} to {1}|how far is {1} from {0}?|way from {0} to {1}"
        "|what is the distance between {0} and {1}?",
    ),
    domain(
        "find_train|search_train|book_train",
        "Find a train between two cities|Search trains|Book a train",
        "from|start|origin|departure:city to|destination|arrival:city date|day:date?",
        "find a train from {0} to {1}|train from {0} to {1}|I need a train from {0} to {1} on {2}"
        "|trains {0} to {1}"
        "|book a train from {0} to {1} on {2}|is there a train from {0} to {1}?",
    ),
    domain(
        "create_task|add_task|add_todo|create_todo",
        "Create a task|Add a task to the list|Adds a todo item",
        "title|task|text|name:topic priority:low/medium/high?",
        "add a task: {0}|create a task {0}|add {0} to my todo list|new task {0}"
        "|new task {0} with priority {1}|todo: {0}"
        "|create the task {0} with {1} priority",
    ),
    domain(
        "get_definition|define|lookup_word|dictionary",
        "Get the definition of a word|Look up a word in the dictionary",
        "word|term:word",
        "define {0}|what does {0} mean?|definition of {0}|look up the word {0}|what is the meaning of {0}?",
    ),
    domain(
        "run_sql|query_database|execute_query|sql",
        "Run a SQL query|Query the database|Executes SQL",
        "query|sql|statement:sql",
        "run {0}|run the query {0}|execute {0}|please run this sql: {0}|query the database: {0}",
    ),
    domain(
        "get_balance|account_balance|balance",
        "Get the balance of an account|Returns an account's balance",
        "account|account_id|id:code",
        "what is the balance of account {0}?|balance of {0}|how much money is on account {0}?"
        "|show the balance of {0}",
    ),
    domain(
        "transfer_money|send_money|pay",
        "Send money to a person|Transfer an amount to somebody",
        "to|recipient|name:person amount|value:int",
        "send {1} to {0}|pay {0} {1}|transfer {1} euros to {0}|send {1} dollars to {0}|give {0} {1}"
        "|pay {1} to {0}",
    ),
)
