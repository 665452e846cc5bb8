/** As `stripVTControlCharacters` of node:util has them, for code that runs in a browser, too. */
const codes = new RegExp(
  '(?:\\u001B\\][\\s\\S]*?(?:\\u0007|\\u001B\\u005C|\\u009C))|' +
    '[\\u001B\\u009B][[\\]()#;?]*(?:\\d{1,4}(?:[;:]\\d{0,4})*)?[\\dA-PR-TZcf-nq-uy=><~]',
  'g',
);

/** Text without the codes that set colors, move the cursor or make links on a terminal. */
export function withoutTerminalCodes(text: string): string {
  return text.replace(codes, '');
}
