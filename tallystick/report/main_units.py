"""Amounts as people read them: stored in a currency's minor unit, shown in its main one.

Apart because only pages need it: every table keeps whole numbers of minor units.
"""

from __future__ import annotations

# Currencies whose minor unit is not a hundredth, with the digits behind the point (ISO 4217).
_DIGITS = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def show_money(minor: int | None, currency: str) -> str | None:
    """An amount of minor units in the main unit, thousands in groups, with the currency's digits; None stays None."""
    if minor is None:
        return None
    digits = _DIGITS.get(currency, 2)
    whole, rest = divmod(abs(minor), 10**digits)
    behind = f".{rest:0{digits}d}" if digits else ""
    return f"{'-' if minor < 0 else ''}{whole:,}{behind}"
