/** What `minifal new --help` prints. */
export const newUsage = `minifal new [TEMPLATE] [FOLDER] [--set NAME=VALUE] [--yes]

Creates an app from a template. In a terminal, asks for what isn't given. Existing files are never changed, except that
a pyproject.toml gets a table for the app. If it is stopped or fails, nothing is left behind.

  TEMPLATE          the name of a template (default: ocr; \`minifal new --list\` shows all)
  FOLDER            a folder that is empty or doesn't exist (default: one with the name of the app), or one with a
                    pyproject.toml (default: this folder, if it has one): the app is added to that project, in a folder
                    of its own
  --set NAME=VALUE  the value of a variable of the template, such as app-name=my-app; repeatable
  --yes             ask nothing: use the default of everything that isn't given
  --list            show the templates and their variables
  --json            print the result, the list or the error as JSON; asks nothing
`;
