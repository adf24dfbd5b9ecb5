"""Time stamps in the notations that files have."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stlora.data.time.stamps import parse
from stlora.data.time.zones import zone_name
from stlora.errors import InputError


def check_one_line(error):
    assert "\n" not in str(error)


def as_text(index):
    return [str(stamp) for stamp in index]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (["2024-01-31 23:55", "2024-02-01 00:00"], "2024-02-01 00:00:00"),
        (["2024-01-31T23:55:00", "2024-02-01T00:00:00"], "2024-02-01 00:00:00"),
        (["2024-01-31", "2024-01-31 00:05:00"], "2024-01-31 00:05:00"),  # to_csv of others drops midnight
        (["31.01.2024 23:55", "1.2.2024 0:00"], "2024-02-01 00:00:00"),
        (["1/31/2024 11:55 PM", "2/1/2024 12:00 AM"], "2024-02-01 00:00:00"),
        (["31/01/2024 23:55:00", "01/02/2024 00:00:00"], "2024-02-01 00:00:00"),
        (["2024/01/31 23:55", "2024/02/01 00:00"], "2024-02-01 00:00:00"),
    ],
)
def test_usual_notations(text, expected):
    index, notes = parse(text)
    assert str(index[1]) == expected
    assert index.tz is None
    assert notes == ()


def test_day_and_month_are_told_apart_by_later_rows():
    index, _ = parse(["03/04/2024 00:00", "13/04/2024 00:00"])
    assert as_text(index) == ["2024-04-03 00:00:00", "2024-04-13 00:00:00"]


def test_day_and_month_are_told_apart_by_even_steps_with_a_note():
    index, notes = parse([f"0{day}/04/2024 00:00" for day in range(1, 7)])
    assert as_text(index)[-1] == "2024-04-06 00:00:00"
    assert "day first" in notes[0]


def test_ambiguous_day_and_month_are_refused():
    with pytest.raises(InputError, match="day first or month first"):
        parse(["03/04/2024 00:00", "03/04/2024 00:05"])


@pytest.mark.parametrize("text", ["now", "1330560000", "17", "yesterday", "", "2024-13-01 00:00", "nan", "3.5"])
def test_what_is_no_time_stamp_is_named_with_its_row(text):
    with pytest.raises(InputError) as caught:
        parse(["2024-01-01 00:00", text])
    assert f"row 2 has the time {text!r}" in str(caught.value)


@pytest.mark.parametrize("zone", ["Z", " UTC", "+00:00", "+0000", "-00"])
def test_notations_of_utc(zone):
    index, _ = parse([f"2024-01-01 00:00:00{zone}", f"2024-01-01 00:05:00{zone}"])
    assert as_text(index) == ["2024-01-01 00:00:00+00:00", "2024-01-01 00:05:00+00:00"]
    assert zone_name(index.tz) == "UTC"


def test_offset_on_some_rows_only_is_refused():
    with pytest.raises(InputError, match=r"row 2 .* without UTC offset"):
        parse(["2024-01-01 00:00:00+01:00", "2024-01-01 00:05:00"])


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_any_text_is_read_or_refused_in_one_line(text):
    try:
        index, _ = parse(text)
    except InputError as error:
        check_one_line(error)
    else:
        assert len(index) == len(text)
        assert not index.hasnans


@given(st.lists(st.datetimes(pd.Timestamp("1700-01-01"), pd.Timestamp("2200-01-01")), min_size=1, max_size=5))
def test_iso_time_stamps_round_trip(stamps):
    assert parse([stamp.isoformat(sep=" ") for stamp in stamps])[0].tolist() == [pd.Timestamp(s) for s in stamps]


@pytest.mark.parametrize(
    "days", [["27.02.2024", "28.02.2024", "29.02.2024"], ["01.02.2024", "02.02.2024", "03.02.2024"]]
)
def test_dates_with_points_are_no_numbers(days):
    assert parse(days)[0].tolist() == pd.to_datetime(days, format="%d.%m.%Y").tolist()


@pytest.mark.parametrize("number", ["2024", "2024.5", "20240131,5", "7.", "1.234.567"])
def test_bare_numbers_are_no_dates(number):
    with pytest.raises(InputError, match="row 1 has the time"):
        parse([number, number])


@pytest.mark.parametrize("stamp", ["2024-07-01 08:00 +01:00 +01:00", "2024-07-01T08:00Z+01:00", "2024-07-01 08:00Z Z"])
def test_two_offsets_are_refused(stamp):
    with pytest.raises(InputError, match="row 1 has the time"):
        parse([stamp, stamp])
