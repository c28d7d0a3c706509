"""The sorts of product that a generated shop sells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort of product, and what products of it can be like."""

    category: str
    path: str
    query: str
    nouns: tuple[str, ...]
    attributes: tuple[str, ...]
    sizes: tuple[str, ...]
    coloured: bool
    price: tuple[int, int]
    """In dollars, from and to."""


SORTS = (
    Sort(
        "fashion",
        "Clothing, Shoes & Jewelry > Men > Clothing > Shirts",
        "men's shirts",
        ("Shirt", "Polo Shirt", "Dress Shirt", "Henley Shirt"),
        (
            "slim fit",
            "long sleeve",
            "short sleeve",
            "machine wash",
            "cotton spandex",
            "button closure",
        ),
        ("small", "medium", "large", "x-large"),
        True,
        (12, 60),
    ),
    Sort(
        "fashion",
        "Clothing, Shoes & Jewelry > Women > Shoes > Sandals",
        "women's sandals",
        ("Sandals", "Slide Sandals", "Wedge Sandals"),
        ("open toe", "ankle strap", "rubber sole", "memory foam", "non slip", "arch support"),
        ("6", "7", "8", "9"),
        True,
        (15, 90),
    ),
    Sort(
        "garden",
        "Home & Kitchen > Furniture > Living Room Furniture > Tables",
        "console tables",
        ("Console Table", "Coffee Table", "Side Table", "Sofa Table"),
        (
            "easy assembly",
            "solid wood",
            "steel frame",
            "storage space",
            "living room",
            "space saving",
        ),
        ('28" x 12"', '36" x 14"', '48" x 16"'),
        True,
        (60, 480),
    ),
    Sort(
        "garden",
        "Home & Kitchen > Bedding > Blankets & Throws",
        "throw blankets",
        ("Throw Blanket", "Fleece Blanket", "Quilt"),
        ("super soft", "machine washable", "double sided", "king size", "queen size", "twin size"),
        ("50x60 inches", "60x80 inches", "90x90 inches"),
        True,
        (18, 110),
    ),
    Sort(
        "beauty",
        "Beauty & Personal Care > Hair Care > Shampoo & Conditioner > Shampoos",
        "shampoo & conditioner",
        ("Shampoo", "Shampoo Bar", "Conditioner", "Hair Mask"),
        ("sulfate free", "paraben free", "tea tree", "argan oil", "dry hair", "hair growth"),
        ("8 fl oz", "16 fl oz", "pack of 2"),
        False,
        (7, 45),
    ),
    Sort(
        "grocery",
        "Grocery & Gourmet Food > Snack Foods > Bars > Nutrition Bars",
        "nutrition bars",
        ("Protein Bars", "Granola Bars", "Fruit Bars", "Nut Bars"),
        ("gluten free", "non gmo", "plant based", "low sugar", "dairy free", "artificial colors"),
        ("pack of 6", "pack of 12", "pack of 24"),
        False,
        (8, 55),
    ),
    Sort(
        "electronics",
        "Electronics > Headphones, Earbuds & Accessories > Headphones",
        "headphones",
        ("Headphones", "Wireless Headphones", "Headset", "Earbuds"),
        (
            "noise cancelling",
            "long lasting",
            "fast charging",
            "hands free",
            "stereo sound",
            "easy use",
        ),
        (),
        True,
        (20, 1100),
    ),
    Sort(
        "electronics",
        "Electronics > Computers & Accessories > Cables & Interconnects",
        "cables",
        ("USB Cable", "Charging Cable", "HDMI Cable"),
        ("high speed", "fast charging", "gold plated", "heavy duty", "plug play", "data transfer"),
        ("3 ft", "6 ft", "10 ft"),
        False,
        (6, 40),
    ),
)
