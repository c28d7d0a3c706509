"""What stands in a room, and where things usually lie. Types are those of ALFRED."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Room:
    """A kind of room."""

    furniture: dict[str, tuple[int, int]]
    """For each type of receptacle: how many a room holds at most, and a weight."""
    things: dict[str, str]
    """For each type of object: the receptacle types where it is usually found."""


KITCHEN = Room(
    furniture={
        "Cabinet": (9, 6),
        "CoffeeMachine": (1, 2),
        "CounterTop": (3, 4),
        "DiningTable": (2, 2),
        "Drawer": (7, 5),
        "Fridge": (1, 4),
        "GarbageCan": (1, 3),
        "Microwave": (1, 4),
        "Shelf": (3, 2),
        "SideTable": (1, 1),
        "SinkBasin": (1, 4),
        "StoveBurner": (4, 3),
        "Toaster": (1, 1),
    },
    things={
        "Apple": "CounterTop DiningTable Fridge SinkBasin SideTable",
        "Bowl": "Cabinet CounterTop DiningTable Fridge Shelf",
        "Bread": "CounterTop DiningTable Fridge",
        "ButterKnife": "CounterTop DiningTable Drawer SinkBasin",
        "Cup": "Cabinet CounterTop DiningTable Fridge Microwave Shelf SinkBasin",
        "DishSponge": "Cabinet CounterTop Drawer SinkBasin",
        "Egg": "CounterTop Fridge Microwave SinkBasin",
        "Fork": "CounterTop DiningTable Drawer SinkBasin",
        "Glassbottle": "Cabinet CounterTop Shelf",
        "Kettle": "Cabinet CounterTop StoveBurner",
        "Knife": "CounterTop DiningTable Drawer SinkBasin",
        "Ladle": "Cabinet CounterTop DiningTable Drawer",
        "Lettuce": "CounterTop DiningTable Fridge SinkBasin",
        "Mug": "Cabinet CoffeeMachine CounterTop Microwave Shelf SideTable SinkBasin",
        "Pan": "Cabinet CounterTop StoveBurner DiningTable",
        "PepperShaker": "Cabinet CounterTop DiningTable Drawer Shelf",
        "Plate": "Cabinet CounterTop DiningTable Shelf SinkBasin",
        "Pot": "Cabinet StoveBurner Fridge Shelf",
        "Potato": "CounterTop DiningTable Fridge Microwave SinkBasin",
        "SaltShaker": "Cabinet CounterTop DiningTable Drawer Shelf",
        "SoapBottle": "Cabinet CounterTop Drawer GarbageCan",
        "Spatula": "CounterTop DiningTable Drawer",
        "Spoon": "CounterTop DiningTable Drawer SinkBasin",
        "Tomato": "CounterTop DiningTable Fridge Microwave SinkBasin",
        "Vase": "CounterTop Shelf SideTable",
        "WineBottle": "Cabinet CounterTop Fridge DiningTable",
    },
)

BEDROOM = Room(
    furniture={
        "ArmChair": (2, 2),
        "Bed": (2, 4),
        "Cabinet": (4, 1),
        "Desk": (2, 4),
        "Drawer": (10, 5),
        "Dresser": (1, 3),
        "GarbageCan": (1, 3),
        "LaundryHamper": (1, 1),
        "Safe": (1, 1),
        "Shelf": (6, 3),
        "SideTable": (2, 3),
    },
    things={
        "AlarmClock": "Desk Dresser Shelf SideTable",
        "BaseballBat": "Bed",
        "BasketBall": "ArmChair Bed Desk",
        "Book": "Bed Desk Drawer Dresser Shelf SideTable",
        "Bowl": "Desk Dresser Shelf SideTable",
        "Box": "Desk Dresser ArmChair",
        "CD": "Desk Drawer Dresser GarbageCan Safe Shelf",
        "CellPhone": "Bed Desk Drawer Dresser SideTable",
        "Cloth": "Drawer Dresser LaundryHamper Shelf",
        "CreditCard": "Desk Drawer Dresser Safe Shelf SideTable",
        "KeyChain": "Desk Drawer Dresser Safe Shelf SideTable",
        "Laptop": "Bed Desk ArmChair",
        "Mug": "Desk Dresser Shelf SideTable",
        "Newspaper": "Bed Drawer Dresser ArmChair",
        "Pen": "Desk Drawer Dresser Shelf SideTable",
        "Pencil": "Desk Drawer GarbageCan Shelf SideTable",
        "Pillow": "ArmChair Bed",
        "RemoteControl": "Bed Desk Drawer Dresser SideTable",
        "Statue": "Dresser Safe Shelf SideTable",
        "TennisRacket": "Bed Desk Dresser",
        "TissueBox": "Desk Dresser Shelf SideTable",
        "Vase": "Desk Dresser Safe Shelf",
        "Watch": "Desk Drawer Dresser Safe SideTable",
    },
)

BATHROOM = Room(
    furniture={
        "BathtubBasin": (1, 2),
        "Cabinet": (6, 4),
        "Cart": (1, 1),
        "CounterTop": (2, 4),
        "Drawer": (6, 3),
        "Dresser": (1, 1),
        "GarbageCan": (1, 4),
        "HandTowelHolder": (2, 3),
        "Shelf": (3, 2),
        "SideTable": (1, 1),
        "SinkBasin": (2, 4),
        "Toilet": (1, 5),
        "ToiletPaperHanger": (1, 3),
        "TowelHolder": (1, 2),
    },
    things={
        "Candle": "Cabinet Cart CounterTop Drawer Shelf Toilet",
        "Cloth": "BathtubBasin Cabinet Cart CounterTop Drawer SinkBasin",
        "DishSponge": "BathtubBasin Cabinet Cart CounterTop Toilet",
        "HandTowel": "Cabinet CounterTop HandTowelHolder",
        "PaperTowel": "CounterTop Shelf Toilet",
        "Plunger": "Cabinet",
        "SoapBar": "BathtubBasin Cabinet CounterTop GarbageCan SinkBasin Toilet",
        "SoapBottle": "Cabinet Cart CounterTop Drawer Shelf Toilet",
        "SprayBottle": "Cabinet CounterTop Dresser GarbageCan Shelf Toilet",
        "TissueBox": "CounterTop Drawer Shelf SideTable Toilet",
        "ToiletPaper": "Cabinet Drawer GarbageCan Shelf Toilet ToiletPaperHanger",
        "Towel": "TowelHolder",
    },
)

LIVING_ROOM = Room(
    furniture={
        "ArmChair": (3, 4),
        "Cabinet": (5, 2),
        "Cart": (1, 1),
        "CoffeeTable": (2, 4),
        "Desk": (1, 2),
        "DiningTable": (1, 2),
        "Drawer": (8, 4),
        "Dresser": (1, 2),
        "GarbageCan": (1, 3),
        "Ottoman": (1, 1),
        "Safe": (1, 1),
        "Shelf": (6, 3),
        "SideTable": (3, 4),
        "Sofa": (2, 5),
        "TVStand": (1, 2),
    },
    things={
        "BasketBall": "ArmChair Sofa Ottoman",
        "Book": "ArmChair CoffeeTable Desk Drawer Shelf SideTable Sofa",
        "Bowl": "CoffeeTable Desk DiningTable Dresser Shelf",
        "Box": "ArmChair CoffeeTable DiningTable Ottoman SideTable Sofa",
        "Candle": "Cart CoffeeTable Drawer Shelf SideTable",
        "CellPhone": "CoffeeTable Desk Drawer SideTable Sofa",
        "CreditCard": "ArmChair CoffeeTable Desk Drawer Safe SideTable",
        "KeyChain": "ArmChair CoffeeTable Desk Drawer Safe SideTable",
        "Laptop": "ArmChair CoffeeTable Desk DiningTable Ottoman Sofa",
        "Newspaper": "ArmChair CoffeeTable Drawer GarbageCan SideTable Sofa",
        "Pen": "CoffeeTable Desk Drawer SideTable",
        "Pencil": "CoffeeTable Desk Drawer SideTable",
        "Pillow": "ArmChair Sofa Ottoman",
        "Plate": "CoffeeTable DiningTable Shelf",
        "RemoteControl": "ArmChair CoffeeTable Drawer Ottoman SideTable Sofa",
        "Statue": "CoffeeTable DiningTable Dresser Shelf SideTable",
        "TissueBox": "Cabinet CoffeeTable Shelf SideTable TVStand",
        "Vase": "CoffeeTable DiningTable Dresser Shelf SideTable",
        "Watch": "CoffeeTable Drawer Safe SideTable",
        "WateringCan": "Cabinet CoffeeTable Drawer Shelf SideTable",
    },
)

ROOMS = {
    "kitchen": KITCHEN,
    "bedroom": BEDROOM,
    "bathroom": BATHROOM,
    "living room": LIVING_ROOM,
}
OPENABLE = ("Cabinet", "Drawer", "Fridge", "Microwave", "Safe")
"""Receptacles that start closed."""
VESSELS = ("Bowl", "Box", "Cup", "Mug", "Pan", "Plate", "Pot")
"""Objects that can hold others."""
