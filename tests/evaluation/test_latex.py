"""Tables as LaTeX floats: what stands in a line, and which lines stand in which float."""

import re

import pytest

from stlora.evaluation.latex import Block, Layout, cell, floats, to_latex
from stlora.evaluation.tables import Table


def tabulars(text):
    """The lines between the first rule and the last of each float."""
    bodies = re.findall(r"\\toprule\n(.*?)\\bottomrule", text, flags=re.DOTALL)
    assert len(bodies) == text.count(r"\begin{table*}") == text.count(r"\end{table*}") == text.count(r"\end{tabular}}")
    return [body.splitlines() for body in bodies]


def block(name, parts, lines=1):
    return Block(name, [[[f"{name}{part}.{line}", "1.0"] for line in range(lines)] for part in range(parts)])


LAYOUT = Layout("x", "All.", "lr", [r"a & b \\"])


def test_a_group_is_named_above_its_lines_and_set_apart_from_the_next():
    text = to_latex(Table(["a", "b", "c"], [["x", "p", "1"], ["x", "q", "2"], ["y", "p", "3"]]), "few", "A caption.")
    (lines,) = tabulars(text)
    assert lines == [
        r"b & c \\",
        r"\midrule",
        r"\multicolumn{2}{l}{x} \\",
        r"\quad p & 1 \\",
        r"\quad q & 2 \\",
        r"\midrule",
        r"\multicolumn{2}{l}{y} \\",
        r"\quad p & 3 \\",
    ]
    assert r"\begin{tabular}{lr}" in text
    assert r"\caption{A caption.}" in text
    assert r"\label{tab:few}" in text


def test_a_name_is_escaped_whatever_it_holds():
    wanted = r"50 \% \& \#\_\{x\} \textasciitilde{}\textasciicircum{}\textbackslash{}\$$<$$>$$\pm$$\Delta$"
    assert cell("50 % & #_{x} ~^\\$<>±Δ") == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2.962 ± 0.010", r"$2.962_{\pm 0.010}$"),
        ("-14.0 ± 0.6", r"$-14.0_{\pm 0.6}$"),
        ("-14.0", r"$-$14.0"),
        ("+0.5", "+0.5"),
        ("97,932", "97,932"),
        ("773012 -0.0 %", r"773012 $-$0.0 \%"),
        ("a-1", "a-1"),
        ("", ""),
    ],
)
def test_numbers_have_minus_signs_and_their_spread_below(text, wanted):
    assert cell(text) == wanted


def test_blocks_stay_whole_and_go_to_the_next_float_where_there_is_no_room():
    text = floats(LAYOUT, [block("a", 20), block("b", 10), block("c", 10)])
    first, second = tabulars(text)
    assert [line[0] for line in first if "1.0" in line] == ["a"] * 20 + ["b"] * 10
    assert [line[0] for line in second if "1.0" in line] == ["c"] * 10
    assert first[0] == second[0] == r"a & b \\"
    assert text.count(r"\caption{All.}") == text.count(r"\caption{(continued)}") == 1
    assert text.count(r"\addtocounter{table}{-1}") == text.count(r"\label") == 1


def test_a_block_that_is_longer_than_a_page_is_cut_between_its_parts_and_named_again():
    pages = tabulars(floats(LAYOUT, [block("a", 40, lines=2)]))
    assert len(pages) == 3
    for page in pages[1:]:
        assert page[2] == r"\multicolumn{2}{l}{a (continued)} \\"
    numbers = [re.match(r"a(\d+)\.(\d)", line).groups() for page in pages for line in page if "1.0" in line]
    assert numbers == [(str(part), line) for part in range(40) for line in "01"]
    for page in pages:
        assert [line for line in page if "1.0" in line][-1].split()[0].endswith(".1")


def test_a_wide_table_is_made_smaller_and_has_room_for_more_lines():
    columns = 20
    lines = [[["name", *["1.000 ± 0.001"] * columns]] for _ in range(45)]
    wide = floats(Layout("x", "All.", "l" + "r" * columns, [r"a \\"]), [Block("b", lines)])
    assert len(tabulars(wide)) == 1
    assert len(tabulars(floats(LAYOUT, [block("a", 45)]))) == 2


def test_a_table_of_nothing_is_a_head():
    assert tabulars(to_latex(Table(["a", "b", "c"], []), "x", "None.")) == [[r"b & c \\", r"\midrule"]]
