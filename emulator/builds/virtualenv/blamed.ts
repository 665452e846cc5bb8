/**
 * The requirement that uv's text about a failed installation is about, as it was registered; `null`: it names none of
 * them, or the text is about something else (a network that is down). Of several that are named, the one that uv says
 * is required counts more than one that is only mentioned.
 */
export function blamedRequirement(text: string, requirements: readonly string[]): string | null {
  const said = normal(text);
  const named = requirements.flatMap((requirement) => {
    const name = nameOf(requirement);
    return name === null ? [] : [{ requirement, name }];
  });
  const required = named.find(({ name }) => holds(said, `you require ${name}`));
  const url = requirements.find(
    (requirement) => addressIn(requirement) !== null && text.includes(addressIn(requirement) ?? ''),
  );
  return (required ?? named.find(({ name }) => holds(said, name)))?.requirement ?? url ?? null;
}

/** The name of a package in the form in which all spellings are the same; `null`: the requirement has none. */
function nameOf(requirement: string): string | null {
  const name = /^\s*([a-z0-9][\w.-]*)\s*(?:[[(<>=!~;@\s]|$)/i.exec(requirement)?.[1];
  return name === undefined ? null : normal(name);
}

/** The address of a requirement without a name, as git and uv print it. */
function addressIn(requirement: string): string | null {
  return /^\s*(?:\w+\+)?(https?:\/\/[^\s@#]+)/.exec(requirement)?.[1] ?? null;
}

function normal(text: string): string {
  return text
    .toLowerCase()
    .replace(/[-_.]+/g, '-')
    .replace(/\s+/g, ' ');
}

function holds(text: string, words: string): boolean {
  for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1)) {
    const before = text[at - 1] ?? ' ';
    const after = text[at + words.length] ?? ' ';
    if (!/[\w-]/.test(before) && !/[\w-]/.test(after)) return true;
  }
  return false;
}
