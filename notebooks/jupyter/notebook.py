"""Works on a notebook: notebook.py WHAT FILE OPTIONS, the options as JSON.

execute  runs FILE in the folder `folder`, so many `seconds` a cell, keeps its outputs where `out` says, and
         prints the number of code cells. The first cell that fails ends it with status 3 and one line on
         stdout: which one, and why.
html     writes FILE as the page `out`.
sign     has Jupyter trust FILE.
"""

import json
import os
import re
import signal
import sys

import nbformat

# GoNB calls a cell a success whatever its program, shell command or test exits with; it says so on stderr.
FAILED = re.compile(r"^(exit status \d+|signal: .*)$", re.MULTILINE)


class Failed(Exception):
    pass


def execute(path, options):
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, kernel_name=notebook.metadata.kernelspec.name, timeout=options["seconds"], coalesce_streams=True, record_timing=False,
        resources={"metadata": {"path": options["folder"]}},
    )
    count, group = 0, None
    try:
        with client.setup_kernel():
            group = client.km.provisioner.process.pid
            for index, cell in enumerate(notebook.cells):
                if cell.cell_type != "code":
                    continue
                count += 1
                try:
                    client.execute_cell(cell, index, execution_count=count)
                    why = reason(cell)
                except CellTimeoutError:
                    why = f"not done after {options['seconds']} s"
                except DeadKernelError:
                    why = "the kernel died"
                except CellExecutionError as e:
                    why = reason(cell) or last(e.traceback or str(e))
                if why:
                    first = next((line for line in cell.source.splitlines() if line.strip() and not line.startswith("%")), "")
                    raise Failed(f"cell {count}, `{first.strip()}`: {why}")
    finally:
        if group and hasattr(os, "killpg"):  # a cell's program may outlive its kernel
            try:
                os.killpg(group, signal.SIGKILL)
            except ProcessLookupError:
                pass
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [o for o in map(portable(options), cell.outputs) if o]
    notebook.metadata.pop("widgets", None)
    nbformat.write(notebook, options["out"])
    print(count)


def text_of(output):
    """What an output holds as text."""
    if output.output_type == "error":
        return "\n".join([output.ename, output.evalue, *output.traceback])
    return output.get("text", "")


def reason(cell):
    """Why a cell failed, or None."""
    errors = [o for o in cell.outputs if o.output_type == "error"]
    stderr = "".join(o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stderr")
    if not errors and not FAILED.search(stderr):
        return None
    return last("\n".join([stderr, *map(text_of, errors)]))


def last(text):
    """The line of an error's text that says most: of a panic, of the compiler, or the last before the exit status."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in text.splitlines()]
    lines = [line for line in lines if line]
    compiler = r"\./\w+\.go:\d+:\d+: (.*)"
    for pattern in (r"panic: .*", compiler):
        for line in lines:
            if told := re.match(pattern, line):
                if pattern != compiler:
                    return line
                # GoNB's own words for the place in the cell.
                place = next((m for m in map(re.compile(r"Cell\[\d+\]: Line (\d+)").match, lines) if m), None)
                return f"line {place[1]}: {told[1]}" if place else told[1]
    told = [line for line in lines if not FAILED.match(line)]
    return (told or lines or ["no message"])[-1]


def portable(options):
    """A function that takes the places of this machine out of an output, and drops what shows nothing."""
    places = [(options["module"], "."), (options["folder"], "."), (os.path.expanduser("~"), "~")]

    def clean(value):
        if isinstance(value, str):
            for place, name in places:
                value = value.replace(place, name)
            return value
        if isinstance(value, list):
            return [clean(v) for v in value]
        if isinstance(value, dict):
            return {k: clean(v) for k, v in value.items()}
        return value

    def one(output):
        data = output.get("data")
        if data is not None and not any(data.values()):
            return None
        if output.output_type == "stream" and not output.text:
            return None
        output = nbformat.from_dict(clean(output))
        if "transient" in output:
            del output["transient"]
        return output

    return one


# A page without the scripts that nbconvert takes from the network: formulas stay as TeX.
PAGE = """{% extends "lab/index.html.j2" %}
{% block html_head_js %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
"""


def html(path, options):
    from jinja2 import DictLoader
    from nbconvert import HTMLExporter

    loader = DictLoader({"offline.html.j2": PAGE})
    exporter = HTMLExporter(extra_loaders=[loader], template_file="offline.html.j2")
    body, _ = exporter.from_filename(path)
    with open(options["out"], "w", encoding="utf-8") as f:
        f.write(body)


def sign(path, options):
    from nbformat.sign import NotebookNotary

    NotebookNotary().sign(nbformat.read(path, as_version=4))


def main():
    # Asked to stop, it ends the kernel first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    what, path, options = sys.argv[1:]
    try:
        {"execute": execute, "html": html, "sign": sign}[what](path, json.loads(options))
    except Failed as e:
        print(e)
        sys.exit(3)


main()
