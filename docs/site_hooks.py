"""What MkDocs is told besides `mkdocs.yml`: four small differences between a page in a repository and one on a site.

- A link that leaves `docs/` (to a policy, a log, a result) leads to that file in the repository: it is no page, and a
  copy on the site would be a second place to read it. `SAFECOT_REPOSITORY` is the repository's address, such as
  `https://github.com/OWNER/safecot-dsl`, and `SAFECOT_REVISION` the revision (`main`). The project has no fixed
  address, so without the variable such a link is the file's path as text. A picture is part of its page and is copied,
  to `linked/`. A file that is not there ends the build.
- `file=NAME` of a fenced block, by which the tests write it to a file, is the block's title.
- `codes/*.md` in the navigation stands for all pages of error codes, sorted, and so does any other pattern.
- Policies are coloured by the package's own lexer, whether or not the package is installed where the site is built.
"""

from __future__ import annotations

import os
import posixpath
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File
from pygments.lexers import LEXERS

_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(((?:\.\./)+[^)\s#]*)(#[^)\s]*)?\)")
_FENCED = re.compile(r"^( *)```.*?^\1```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"^( *```\w[\w-]*) file=(\S+)$", re.MULTILINE)


def on_config(config: Any) -> Any:
    docs = Path(config.docs_dir)
    sys.path.append(str(docs.parent))
    from safecot_dsl.highlighting import SafecotLexer as Lexer

    LEXERS["SafecotLexer"] = (Lexer.__module__, Lexer.name, Lexer.aliases, Lexer.filenames, Lexer.mimetypes)

    def expanded(entries: list[Any]) -> list[Any]:
        found: list[Any] = []
        for entry in entries:
            if isinstance(entry, str) and "*" in entry:
                found += sorted(path.relative_to(docs).as_posix() for path in docs.glob(entry))
            elif isinstance(entry, dict):
                found.append({t: expanded(e) if isinstance(e, list) else e for t, e in entry.items()})
            else:
                found.append(entry)
        return found

    config.nav = expanded(config.nav)
    return config


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """The page with its links out of `docs/` led to the repository; what stands in fenced blocks is no link."""
    folder = posixpath.dirname(page.file.src_uri)
    top = Path(config.docs_dir).parent

    def led(match: re.Match[str]) -> str:
        picture, text, target, anchor = match[1], match[2], match[3], match[4] or ""
        path = posixpath.normpath(posixpath.join("docs", folder, target))
        if path == "docs" or path.startswith("docs/"):
            return match[0]
        if path.startswith("..") or not (top / path).exists():
            raise PluginError(f"{page.file.src_uri}: the link to {target} leads nowhere")
        if picture:
            uri = f"linked/{path}"
            if files.get_file_from_path(uri) is None:
                files.append(File.generated(config, uri, abs_src_path=str(top / path)))
            return f"![{text}]({posixpath.relpath(uri, folder or '.')})"
        repository = os.environ.get("SAFECOT_REPOSITORY", "").rstrip("/")
        if not repository:
            return text if text.strip("`") in path else f"{text} (`{path}`)"
        kind = "tree" if (top / path).is_dir() else "blob"
        return f"[{text}]({repository}/{kind}/{os.environ.get('SAFECOT_REVISION', 'main')}/{path}{anchor})"

    parts: list[str] = []
    at = 0
    for block in _FENCED.finditer(markdown):
        parts += [_LINK.sub(led, markdown[at : block.start()]), _FILE.sub(r'\1 title="\2"', block[0])]
        at = block.end()
    return "".join([*parts, _LINK.sub(led, markdown[at:])])
