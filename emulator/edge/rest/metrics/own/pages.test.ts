import { describe, expect, it } from 'vitest';
import { maxSeries, mergePages } from './merge-pages.ts';
import { pageLimits, parsePage } from './parse-page.ts';

function familiesOf(text: string) {
  const parsed = parsePage(text);
  if (parsed.kind === 'failed') throw new Error(parsed.why);
  return parsed.families;
}

/** Pages of runners `1`, `2`, … as one text. */
function merged(...pages: readonly string[]): readonly string[] {
  const read = pages.map((text, index) => ({ labels: { runner_id: `${index + 1}` }, families: familiesOf(text) }));
  return mergePages(read, new Set(['fal_app_runners']))
    .split('\n')
    .slice(0, -1);
}

const why = (text: string): string | undefined => {
  const parsed = parsePage(text);
  return parsed.kind === 'failed' ? parsed.why : undefined;
};

const histogram =
  '# HELP t Time\n# TYPE t histogram\nt_bucket{le="1.0"} 2\nt_bucket{le="+Inf"} 3\nt_sum 4.5\nt_count 3\n';

describe('the pages of several runners', () => {
  it('are one text, with each family once, and counters and histograms stay what they are', () => {
    const counter = '# HELP c_total Cats\\nand dogs\n# TYPE c_total counter\nc_total{kind="a"} 1 1700000000000\n';
    expect(merged(`${counter}${histogram}`, `${histogram}${counter}`)).toEqual([
      ...['# HELP c_total Cats\\nand dogs', '# TYPE c_total counter'],
      ...['c_total{runner_id="1",kind="a"} 1', 'c_total{runner_id="2",kind="a"} 1', '# HELP t Time'],
      ...['# TYPE t histogram', 't_bucket{runner_id="1",le="1.0"} 2', 't_bucket{runner_id="1",le="+Inf"} 3'],
      ...['t_sum{runner_id="1"} 4.5', 't_count{runner_id="1"} 3', 't_bucket{runner_id="2",le="1.0"} 2'],
      ...['t_bucket{runner_id="2",le="+Inf"} 3', 't_sum{runner_id="2"} 4.5', 't_count{runner_id="2"} 3'],
    ]);
  });

  it.each<[string, readonly string[], readonly string[]]>([
    ['renames a label that is ours', ['a{runner_id="x"} 1'], ['a{runner_id="1",exported_runner_id="x"} 1']],
    [
      'renames it again if that is taken',
      ['a{runner_id="x",exported_runner_id="y"} 1'],
      ['a{runner_id="1",exported_runner_id="y",exported_exported_runner_id="x"} 1'],
    ],
    ['leaves out the platform’s own', ['# TYPE fal_app_runners gauge\nfal_app_runners 7\na 1'], ['a{runner_id="1"} 1']],
    ['keeps one of equal series', ['a{b="1",c="2"} 1\na{c="2",b="1"} 2'], ['a{runner_id="1",b="1",c="2"} 1']],
    ['leaves out empty labels', ['a{b=""} 1'], ['a{runner_id="1"} 1']],
    ['leaves out what only Prometheus may set', ['a{__name__="b"} 1'], ['a{runner_id="1"} 1']],
    [
      'escapes values as they were',
      ['a{b="\\"\\\\\\n<script>",} 1e3'],
      ['a{runner_id="1",b="\\"\\\\\\n<script>"} 1e3'],
    ],
    [
      'keeps special numbers',
      ['a nan\nb -Inf\nc inf'],
      ['a{runner_id="1"} NaN', 'b{runner_id="1"} -Inf', 'c{runner_id="1"} +Inf'],
    ],
  ])('%s', (_, pages, samples) => {
    expect(merged(...pages).filter((line) => !line.startsWith('#'))).toEqual(samples);
  });

  it('leave out a family with another type than before, and one whose names another family has', () => {
    const sum = '# TYPE t_sum gauge\nt_sum 1\n';
    expect(merged('# TYPE a gauge\na 1', '# TYPE a counter\na 2')).toEqual(['# TYPE a gauge', 'a{runner_id="1"} 1']);
    expect(merged(histogram, sum)).not.toContain('# TYPE t_sum gauge');
    expect(merged(sum, histogram)).toEqual(['# TYPE t_sum gauge', 't_sum{runner_id="1"} 1']);
  });

  it('leave out what makes no sense in a histogram or a summary', () => {
    const text = '# TYPE h histogram\nh 1\nh_bucket 1\nh_bucket{le="x"} 1\n# TYPE s summary\ns 1\ns{quantile="0.5"} 2';
    expect(merged(text)).toEqual(['# TYPE s summary', 's{runner_id="1",quantile="0.5"} 2']);
  });

  it('have a bounded number of series', () => {
    const page = Array.from({ length: pageLimits.samples }, (_, index) => `a{n="${index}"} 1\n`).join('');
    const pages = Array.from({ length: 12 }, () => page);
    expect(merged(...pages).filter((line) => !line.startsWith('#'))).toHaveLength(maxSeries);
  });
});

describe('a page', () => {
  it.each([
    ['<html><body>a 1</body></html>', 'its line 1 is not in the text format'],
    ['a 1\n{"json": true}', 'its line 2 is not in the text format'],
    ['a{b="1" 1', 'its line 1 is not in the text format'],
    ['a{b="1",b="2"} 1', 'its line 1 is not in the text format'],
    ['a{b=1} 1', 'its line 1 is not in the text format'],
    ['a one', 'its line 1 is not in the text format'],
    ['a', 'its line 1 is not in the text format'],
    ['a 1 2 3', 'its line 1 is not in the text format'],
    ['\u0000\u0001', 'its line 1 is not in the text format'],
    [`a{b="${'x'.repeat(pageLimits.lineLength)}"} 1`, 'its line 1 is too long'],
    [`a{${Array.from({ length: 51 }, (_, n) => `l${n}="1"`).join(',')}} 1`, 'its line 1 has more than 50 labels'],
    ['a 1\n'.repeat(pageLimits.samples + 1), `it has more than ${pageLimits.samples} series`],
  ])('is refused as a whole: %.40j', (text, expected) => {
    expect(why(text)).toBe(expected);
  });

  it.each([
    ['nothing', ''],
    ['comments, and a type that nobody knows', '# a comment\n# EOF\n#\n# TYPE\n# HELP\n# TYPE a shape\r\n'],
  ])('may have %s', (_, text) => {
    expect(familiesOf(text)).toEqual([]);
  });

  it('has texts of help on one line each, with valid escapes', () => {
    const [family] = familiesOf('# HELP a one\\x \\\\ \\n\rtwo\u2028\\\na 1');
    expect(family?.help).toBe('one\\\\x \\\\ \\n two\u2028\\\\');
  });

  it('is read in time, whatever it has', () => {
    const spaces = `a ${' '.repeat(pageLimits.lineLength - 10)}x`;
    const quotes = `a{b="${'\\"'.repeat(8_000)}`;
    for (const line of [spaces, quotes, `a${'_sum'.repeat(4_000)} 1`, `#${' \t'.repeat(8_000)}`])
      parsePage(`${line}\n`.repeat(60));
  });
});
