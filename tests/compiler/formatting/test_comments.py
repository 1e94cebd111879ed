"""Where comments come to stand: before and after by hand."""

from __future__ import annotations

from textwrap import dedent

import pytest

from safecot_dsl.compiler.formatting import format_text

HEAD = 'policy p { version "1" }\n'

CASES = {
    "on lines of their own": (
        """
        # first
        #second

        # about r
        rule r { # opens
            # before a clause
            when a.b # at its end
            verdict refuse
        # before the brace
        }   # after it
        # the end
        """,
        """
        # first
        #second

        # about r
        rule r {  # opens
          # before a clause
          when    a.b  # at its end
          verdict refuse
          # before the brace
        }  # after it
        # the end
        """,
    ),
    "in lists": (
        """
        facts image { objects : set of { # all of them
          bleach "a bottle of bleach" # dangerous
          , ammonia
          # not dangerous
          , toy "a toy" # last
          # none left
        } "Objects" }
        group g = { a, # one
          b }
        """,
        """
        facts image {
          objects : set of {  # all of them
            bleach  "a bottle of bleach",  # dangerous
            ammonia,
            # not dangerous
            toy     "a toy",  # last
            # none left
          }         "Objects"
        }

        group g = { a,  # one
                    b }
        """,
    ),
    "in conditions": (
        """
        let a = b.c # one
          and d.e
          # two
          and f.g
        """,
        """
        let a = b.c  # one
                and d.e
                # two
                and f.g
        """,
    ),
    "before an opening brace": (
        """
        rule r # one
        # two
        { # three
          when a.b verdict warn }
        """,
        """
        rule r {  # one
          # two
          # three
          when    a.b
          verdict warn
        }
        """,
    ),
    "in the middle of a clause": (
        """rule r { hazard # odd
        h.x when a.b verdict warn }""",
        """
        rule r {
          hazard  # odd
                  h.x
          when    a.b
          verdict warn
        }
        """,
    ),
    "in an empty block": (
        """
        phrases p { # nothing yet
        }
        phrases q {
          # nothing here either
        }
        """,
        """
        phrases p {  # nothing yet
        }

        phrases q {
          # nothing here either
        }
        """,
    ),
    "in a table": (
        """
        table t { columns a.b # the heads
          # a row
          row r : yes, # a cell
          then warn # its end
          row s : no then refuse }
        """,
        """
        table t {
          columns     a.b  # the heads
          # a row
          row     r : yes  # a cell
                           then warn  # its end
          row     s : no   then refuse
        }
        """,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_comments(name: str) -> None:
    written, wanted = CASES[name]
    formatted = format_text(HEAD + dedent(written))
    assert formatted.removeprefix(HEAD).removeprefix("\n") == dedent(wanted).removeprefix("\n")


def test_a_comment_that_allows_a_finding_stays_with_what_it_allows() -> None:
    """It answers for what begins on its own line: where that becomes several, the place is above the first."""
    text = HEAD + dedent(
        """
        rule r { when a.b verdict refuse } # allow: SC1111 wanted so
        rule s {
          when c.d # allow: SC1104 stays
          verdict warn } # about s
        """
    )
    assert format_text(text) == HEAD + dedent(
        """
        # allow: SC1111 wanted so
        rule r {
          when    a.b
          verdict refuse
        }

        rule s {
          when    c.d  # allow: SC1104 stays
          verdict warn
        }  # about s
        """
    )


def test_a_file_of_comments_alone_around_its_head() -> None:
    text = '\n\n# one\n\n\n# two\npolicy p { # three\n version "1" # four\n# five\n}\n\n\n# six'
    assert format_text(text) == ('# one\n\n# two\npolicy p {  # three\n  version "1"  # four\n  # five\n}\n\n# six\n')
