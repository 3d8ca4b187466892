"""Currency codes of ISO 4217 in circulation; anything else is a mistake, not money."""

from __future__ import annotations

from rebuttal.quality.expectations import ExpectNoRowWhere, rule

_CODES = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD
HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD
MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN
PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY
TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
"""


def currency_known(amount: str) -> ExpectNoRowWhere:
    """Money carries a currency that exists. A row without money needs none."""
    listed = ", ".join(f"'{code}'" for code in _CODES.split())
    return rule(
        "currency_known",
        f"({amount} is not null and currency is null) or currency not in ({listed})",
        f"{amount} carries the code of a currency that exists",
        "Set the account's currency in the vendor's settings, or add the code if the currency is new",
        value="currency",
    )
