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
    index, notes, _ = parse(text)
    assert str(index[1]) == expected
    assert index.tz is None
    assert notes == ()


def test_day_and_month_are_told_apart_by_later_rows():
    index, *_ = parse(["03/04/2024 00:00", "13/04/2024 00:00"])
    assert as_text(index) == ["2024-04-03 00:00:00", "2024-04-13 00:00:00"]


def test_day_and_month_are_told_apart_by_even_steps_with_a_note():
    index, notes, day_first = parse([f"0{day}/04/2024 {hour:02}:00" for day in range(1, 7) for hour in (0, 12)])
    assert as_text(index)[-1] == "2024-04-06 12:00:00"
    assert "day first" in notes[0]
    assert day_first is True


@pytest.mark.parametrize(
    "text",
    [
        ["03/04/2024 00:00", "03/04/2024 00:05"],
        [f"0{day}/04/2024 00:00" for day in range(1, 7)],  # days, or months that are even as months
        [f"01/{month:02}/2024" for month in range(1, 13)],
        [f"01-{month:02}-2024" for month in (1, 4, 7, 10)],
    ],
)
def test_ambiguous_day_and_month_are_refused_until_the_order_is_said(text):
    with pytest.raises(InputError, match="day first or month first; say which with --day_first"):
        parse(text)
    mark = text[0][2]
    for day_first in (True, False):
        form = f"%d{mark}%m{mark}%Y" if day_first else f"%m{mark}%d{mark}%Y"
        index, notes, found = parse(text, day_first)
        assert index.tolist() == pd.to_datetime([one[:10] for one in text], format=form).tolist() or ":" in text[0]
        assert (found, notes) == (day_first, ())
        assert index[0] == pd.to_datetime(text[0][:10], format=form)


def test_order_that_is_said_and_cannot_be_is_refused():
    with pytest.raises(InputError, match="cannot be read month first, as was said; they can be day first"):
        parse(["01/04/2024", "13/04/2024"], day_first=False)
    assert parse(["2024-04-13"], day_first=False).day_first is None
    assert parse(["13.04.2024"], day_first=False).time[0] == pd.Timestamp("2024-04-13")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("31.12.24 23:45", "2024-12-31 23:45"),
        ("31/12/24 23:45", "2024-12-31 23:45"),
        ("20241231", "2024-12-31 00:00"),
        ("20241231T2345", "2024-12-31 23:45"),
        ("202412312345", "2024-12-31 23:45"),
        ("2024-12-31 23.45", "2024-12-31 23:45"),
        ("31.12.2024 23.45", "2024-12-31 23:45"),
        ("2024.12.31 23:45", "2024-12-31 23:45"),
        ("2024-12-31T23:45:00.000", "2024-12-31 23:45"),
        ("31-Dec-2024 23:45", "2024-12-31 23:45"),
        ("31 December 2024 23:45", "2024-12-31 23:45"),
        ("Tue 31 Dec 2024 23:45", "2024-12-31 23:45"),
        ("Dec 31, 2024 11:45 PM", "2024-12-31 23:45"),
        ("2024-12-31 24:00", "2025-01-01 00:00"),
        ("31.12.2024 24:00:00", "2025-01-01 00:00"),
    ],
)
def test_other_notations(text, expected):
    assert parse([text]).time[0] == pd.Timestamp(expected)


NOTATIONS = [
    *("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M", "%d.%m.%Y %H:%M", "%d.%m.%y %H:%M:%S", "%d.%m.%Y"),
    *("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%d-%m-%Y %H:%M", "%m-%d-%Y %H:%M", "%d/%m/%y %H:%M"),
    *("%Y%m%d", "%Y%m%d%H%M", "%d-%b-%Y %H:%M", "%d %B %Y %H:%M", "%b %d, %Y %H:%M", "%a %d %b %Y %H:%M"),
]


@given(
    st.sampled_from(NOTATIONS),
    st.datetimes(pd.Timestamp("1990-01-01"), pd.Timestamp("2060-01-01")),
    st.sampled_from(["5min", "1h", "1D", "MS"]),
    st.integers(1, 40),
    st.sampled_from([None, True, False]),
)
def test_any_notation_is_read_right_or_refused(form, start, step, count, said):
    time = pd.date_range(start.replace(second=0, microsecond=0), periods=count, freq=step)
    time = time.normalize() if "%H" not in form and "%I" not in form else time
    ambiguous = form.startswith(("%d/", "%m/", "%d-%m", "%m-"))
    written = form.startswith("%d") if ambiguous else None
    try:
        found = parse(time.strftime(form).tolist(), written if said else None)
    except InputError as error:
        check_one_line(error)
        assert ambiguous
        assert not said
    else:
        assert found.time.tolist() == time.tolist()
        assert found.day_first is written or (time.day == time.month).all()


@pytest.mark.parametrize("text", ["now", "1330560000", "17", "yesterday", "", "2024-13-01 00:00", "nan", "3.5"])
def test_what_is_no_time_stamp_is_named_with_its_row(text):
    with pytest.raises(InputError) as caught:
        parse(["2024-01-01 00:00", text])
    assert f"row 2 has the time {text!r}" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "kind"), [("45292.0417", "spreadsheet"), ("1704067200", "since 1970"), ("1704067200000", "since 1970")]
)
def test_numbers_that_may_be_times_are_told(text, kind):
    with pytest.raises(InputError, match=rf"row 1 has the time '{text}', which may be .*{kind}"):
        parse([text])


@pytest.mark.parametrize("zone", ["Z", " UTC", "+00:00", "+0000", "-00"])
def test_notations_of_utc(zone):
    index, *_ = parse([f"2024-01-01 00:00:00{zone}", f"2024-01-01 00:05:00{zone}"])
    assert as_text(index) == ["2024-01-01 00:00:00+00:00", "2024-01-01 00:05:00+00:00"]
    assert zone_name(index.tz) == "UTC"


def test_offset_on_some_rows_only_is_refused():
    with pytest.raises(InputError, match=r"row 2 .* without UTC offset"):
        parse(["2024-01-01 00:00:00+01:00", "2024-01-01 00:05:00"])


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_any_text_is_read_or_refused_in_one_line(text):
    try:
        index, *_ = parse(text)
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
