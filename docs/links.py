#!/usr/bin/env python3
"""Broken links of the documentation: `python3 docs/links.py`, and of the book that `mdbook build` made of it: `python3 docs/links.py --book target/site/docs`.

Relative links and images of docs/**/*.md, README.md and CONTRIBUTING.md must lead to files of the repository, anchors to headings of the page, as GitHub
names them; pages of docs must be in docs/SUMMARY.md. Nothing is asked of the network."""

import html.parser
import os
import pathlib
import re
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(\s*<?([^)\s>]*)>?(?:\s+\"[^\"]*\")?\s*\)|^\[[^\]]+\]:\s*(\S+)|(?:src|href)=\"([^\"]+)\"", re.M)


def prose(text):
    """The text without code, line by line as it was, so that places stay."""
    out, fence = [], None
    for line in text.split("\n"):
        mark = re.match(r"\s*(```+|~~~+)", line)
        if mark and fence is None:
            fence = mark.group(1)
        elif mark and mark.group(1).startswith(fence):
            fence = None
            line = ""
        out.append("" if fence else re.sub(r"`[^`]*`", lambda m: "x" * len(m.group()), line))
    return "\n".join(out)


def anchors(path):
    seen, out, fenced = {}, set(), False
    for line in path.read_text(encoding="utf-8").split("\n"):
        fenced ^= line.lstrip().startswith("```")
        heading = None if fenced else re.match(r"#{1,6}\s+(.*)", line)
        if heading:
            title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.group(1)).strip().lower()
            slug = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
            n = seen.get(slug, 0)
            seen[slug] = n + 1
            out.add(slug if n == 0 else f"{slug}-{n}")
        out.update(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", line))
    return out


def sources():
    broken = []
    pages = sorted(ROOT.glob("docs/**/*.md")) + [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    listed = set()
    for page in pages:
        text = prose(page.read_text(encoding="utf-8"))
        for match in LINK.finditer(text):
            link = next(g for g in match.groups() if g is not None)
            where = f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}"
            if re.match(r"[a-z][a-z0-9+.-]*:", link):
                continue
            path, _, anchor = urllib.parse.unquote(link).partition("#")
            if path.startswith("/"):
                broken.append(f"{where}: `{link}` is not relative")
                continue
            target = (page.parent / path).resolve() if path else page
            if page.name == "SUMMARY.md" and not path:
                continue
            if not target.is_relative_to(ROOT) or not target.exists():
                broken.append(f"{where}: `{link}` leads nowhere")
            elif anchor and target.suffix == ".md" and anchor not in anchors(target):
                broken.append(f"{where}: `{link}`: no such heading")
            elif page.name == "SUMMARY.md":
                listed.add(target)
            elif page.is_relative_to(ROOT / "docs") and not target.is_relative_to(ROOT / "docs") and not target.match("examples/*.neuro"):
                broken.append(f"{where}: `{link}` leads out of the book")
    for page in pages:
        if page.is_relative_to(ROOT / "docs") and page.name != "SUMMARY.md" and page not in listed:
            broken.append(f"docs/SUMMARY.md: {page.relative_to(ROOT)} is missing")
    return len(pages), broken


class Page(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.ids, self.links = set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("id", "name") and value:
                self.ids.add(value)
            elif name in ("href", "src") and value:
                self.links.append(value)


def book(folder):
    # The page for printing is all the others in one.
    pages = {p.resolve(): Page(p) for p in sorted(folder.glob("**/*.html")) if p.name not in ("print.html", "404.html", "toc.html")}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            if re.match(r"[a-z][a-z0-9+.-]*:", link) or link == "#":
                continue
            to, _, anchor = urllib.parse.unquote(link).partition("#")
            target = (path.parent / to).resolve() if to else path
            if target.is_dir():
                target = target / "index.html"
            where = path.relative_to(folder.resolve())
            if not target.exists():
                broken.append(f"{where}: `{link}` leads nowhere")
            elif anchor and target in pages and anchor not in pages[target].ids:
                broken.append(f"{where}: `{link}`: no such place")
    return len(pages), broken


if __name__ == "__main__":
    count, found = book(pathlib.Path(sys.argv[2])) if sys.argv[1:2] == ["--book"] else sources()
    print("\n".join(found + [f"{count} pages, {len(found)} broken links"]))
    sys.exit(1 if found else 0)
