"""What every error keeps to."""

from service.errors import MAX_DETAIL, AttuneError, InvalidMessage


def test_a_detail_that_quotes_megabytes_is_cut_short() -> None:
    error = InvalidMessage("field: " + "x" * 2**22)
    assert len(error.detail) == MAX_DETAIL
    assert error.detail.endswith("x…")
    assert InvalidMessage("x" * MAX_DETAIL).detail == "x" * MAX_DETAIL


def test_no_two_kinds_share_a_code_which_is_a_plain_name() -> None:
    codes = [kind.code for kind in AttuneError.__subclasses__()]
    assert len(set(codes)) == len(codes)
    assert all(code.isascii() and code.replace("_", "").isalpha() and code.islower() for code in codes)
