/**
 * What the builder doesn't know about a file that it didn't find: which files the SDK uploads
 * (docs/platform/control-plane.md#containers). `null`: the failure is about something else.
 */
export function missingFileAdvice(failure: string, dockerfile: string): string | null {
  if (!/not found|no such file or directory|file does not exist/i.test(failure)) return null;
  if (!/\b(COPY|ADD)\b|cache key|checksum|stat /i.test(failure)) return null;
  if (/^[ \t]+(COPY|ADD)\s/im.test(dockerfile)) {
    return (
      'The fal command uploads a file only if its COPY or ADD is at the beginning of a line: remove the indentation ' +
      'of the Dockerfile (textwrap.dedent).'
    );
  }
  const asked = [...dockerfile.matchAll(/^(?:COPY|ADD)\s+(.*)$/gim)].map(([, rest = '']) => rest);
  if (asked.some((rest) => /\.py\b/.test(rest) && /\.py\b/.test(failure))) {
    return (
      "The fal command never uploads the app's own Python file, because the app is sent as an object: remove it from " +
      'COPY, or put the code that the image needs into another file.'
    );
  }
  if (/--mount=[^\s]*type=bind/i.test(dockerfile)) {
    return 'The fal command uploads only the files that COPY and ADD name, not those of RUN --mount=type=bind.';
  }
  return null;
}
