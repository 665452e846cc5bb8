/** Whether the text is an origin of web pages as browsers send it: http or https, host and port, nothing else. */
export function isWebOrigin(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text;
}
