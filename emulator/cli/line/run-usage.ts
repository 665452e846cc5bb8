/** What `minifal run --help` prints. */
export const runUsage = `minifal run REF [--watch] [--debug] [options of fal run]

Runs an app or function as \`fal run\` does, in the emulator. With --watch, each save of a file of the app
reloads it: the running app is changed in place if that equals a restart, otherwise it is restarted. Code that
doesn't import is reported, and the old code keeps serving. In a terminal, r and Enter restart it with a fresh
setup(), q and Enter end it.

  REF             file.py::Name, or a name in pyproject.toml
  --watch         reload the app when one of its files is saved
  --debug         (with --watch, which it includes) wait for a debugger before the app's code is loaded
  --no-swap       (with --watch) always restart it
  --audit         (with --watch) after each change in place, a fresh runner answers the next request, too, and
                  the answers are compared: that request runs twice, and the model is loaded a second time
  --scaling HOW   (with --watch) pinned: one runner stays (the default); faithful: as if it were deployed
  --ignore GLOB   (with --watch) don't reload for these files, e.g. '*.md' or assets/; repeatable
  --poll          (with --watch) look for changes twice a second; automatic on network file systems and WSL drives
  --python FILE   the Python that has fal (default: the one of the \`fal\` command on PATH)
  --data DIR      the data folder of the emulator (default: $MINIFAL_DATA, or ~/.minifal)

Every other option is passed to \`fal run\`; so is everything after --.
`;
