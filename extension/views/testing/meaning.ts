/** What each kind of row says first. A side bar of 300 pixels shows about 30 characters of a row. */
const meanings: readonly RegExp[] = [
  // An app: its name and its state.
  /^\S.{0,17} (no runner|idle|\d+ idle|\d+ of \d+ busy|setup|starting|start failed|stopping|ended)/,
  /^\S.{0,17} (not running|deploying|function)/,
  // An endpoint: what it is, and how often it was called.
  /^(GET|POST|realtime|websocket|[A-Z]+) \/\S* (no calls|\d+)/,
  /^[0-9a-f]{8} (new|replaced) · \d+/,
  /^runner \d+ (paused in|waits for)/,
  /^(runner \d+|audit) (waiting|pulling image|setup|running|finishing|stopping|ended|not running|idle|failed, retry)/,
  /^\d+ ended( last: \S)?/,
  // A request: its number, what it calls, and its state.
  /^#\d+ [A-Z]+ \/\S* (queued|\d+(st|nd|rd|th)|\d+ (ms|s|min|h)|\d{3}|failed|cancelled|its caller|no answer)/,
  /^([\d,]+ older|Search older requests)/,
  /^\S.{0,17} line \d+: \S/,
  /^Elsewhere \d+ apps?/,
  /^Start Emulator/,
];

/** Those of the rows (`label description`) whose first 30 characters don't say what they are about. */
export function unclear(rows: readonly string[]): readonly string[] {
  return rows.filter((row) => !meanings.some((meaning) => meaning.test(row.slice(0, 30))));
}
