"""Tools that are never trained on: evaluation asks for names, arguments and questions of a new kind."""

from corpus.tool_domains import TRAIN, Domain, domain
from corpus.words import Split

HELD_OUT: dict[str, tuple[Domain, ...]] = {
    "dev": (
        domain(
            "find_recipe|recipe_search",
            "Find a recipe for a dish|Search recipes",
            "dish|ingredient:word",
            "find a recipe for {0}|I want to cook {0}|how can I cook {0}?|recipe with {0}",
        ),
        domain(
            "get_exchange_rate|currency_rate",
            "Get the exchange rate between two currencies",
            "base|source:currency quote|target:currency",
            "what is the exchange rate from {0} to {1}?|how much is one {0} in {1}?|{0} to {1} rate",
        ),
        domain(
            "lock_door|close_door",
            "Lock a door of the house",
            "door|entrance:room",
            "lock the {0} door|please lock the door of the {0}|close the {0} door",
        ),
    ),
    "test": (
        domain(
            "book_hotel|find_hotel|hotel_search",
            "Book a hotel in a city|Find a hotel room",
            "city|destination:city nights|stay_length:int?",
            "book a hotel in {0}|I need a hotel in {0} for {1} nights|find me a hotel in {0}"
            "|hotel in {0} for {1} nights",
        ),
        domain(
            "find_flight|search_flights|flight_lookup",
            "Search flights between two airports|Find a flight",
            "origin|departure_city:city destination|arrival_city:city",
            "find a flight from {0} to {1}|I want to fly from {0} to {1}|flights from {0} to {1}",
        ),
        domain(
            "track_parcel|parcel_status|where_is_parcel",
            "Track a parcel|Get the status of a parcel by its number",
            "tracking_number|parcel_id:code",
            "where is my parcel {0}?|track parcel {0}|what is the status of parcel {0}?",
        ),
        domain(
            "set_thermostat|heat_room|thermostat",
            "Set the thermostat of a room|Set the temperature of the heating",
            "degrees|temperature:int room|zone:room?",
            "set the thermostat to {0}|set the thermostat in the {1} to {0}|heat the {1} to {0} degrees",
        ),
        domain(
            "hire_driver|order_taxi|call_cab",
            "Order a taxi to a place|Call a cab",
            "pickup|address:city",
            "order a taxi to {0}|call me a cab to {0}|I need a taxi in {0}",
        ),
    ),
}


def domains(split: Split) -> tuple[Domain, ...]:
    return TRAIN if split == "train" else HELD_OUT[split]
