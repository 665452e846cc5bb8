/**
 * The files of an app whose endpoints fail in other files, each for a `style` that it doesn't know: `/` in a module of
 * `local_python_modules`, `/brush` in one of `app_files`.
 */
export const painterFiles = {
  'painter.py': `import fal
from pydantic import BaseModel
from styles import color_of


class Prompt(BaseModel):
    style: str


class Painter(fal.App):
    machine_type = "XS"
    keep_alive = 600
    local_python_modules = ["styles"]
    app_files = ["brushes"]

    @fal.endpoint("/")
    def paint(self, prompt: Prompt) -> str:
        return color_of(prompt.style)

    @fal.endpoint("/brush")
    def brush(self, prompt: Prompt) -> str:
        from brushes.sizes import size_of

        return size_of(prompt.style)
`,
  'styles.py': 'colors = {"sky": "blue"}\n\n\ndef color_of(style):\n    return colors[style]\n',
  'brushes/__init__.py': '',
  'brushes/sizes.py': 'def size_of(style):\n    return str(int(style))\n',
};
