/** What isn't a text of ours: names of apps, files and programs, methods and states. */
const names =
  'fal|minifal[.\\w]*|hello|Hello|slow|Slow|Painter|app|py|pyproject|toml|local|owner|Python|JS|curl|uv|pyenv|conda|' +
  'run|queue|setup|max_concurrency|[A-Z_]{3,}';
/** And the targets of links, addresses and paths, icons, code. */
const data = new RegExp(`\\]\\([^)]*\\)|\\S*\\/\\S*|\\$\\([\\w~-]+\\)|\`[^\`]*\`|\\b(${names})\\b`, 'g');

/** The English words of a text that the test language doesn't have in its brackets. */
export function english(text: string): readonly string[] {
  let rest = text.replaceAll('\u00a0', ' ');
  for (let before = ''; before !== rest; ) {
    before = rest;
    rest = rest.replace(/⟦[^⟦⟧]*⟧/g, ' ');
  }
  return rest.replaceAll(data, ' ').match(/[A-Za-z]{3,}/g) ?? [];
}
