import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { runnerSources } from './testing/runners.ts';

/** Feeds frames to the reader of a runner's output; prints what it reports, or that it noticed a forged one. */
const program = `
import json, sys
sys.path.insert(0, sys.argv[1])
import boot
boot.make_package()
from minifal_runner.shared import lines

def read(*parts):
    seen = []
    reader = lines.Lines("t", lambda text, labels, unfinished, place: seen.append([len(text), labels, place]))
    try:
        for part in parts:
            reader.feed(part, {})
    except lines.ForgedFrame:
        return "forged"
    return len(json.dumps(seen))

head = lines.start_of_frame("t")
newlines = b"\\n" * 2_000
wide = "\\U0001f600"
labels = {"requestId": wide * 200, "endpoint": wide * 200}
place = lines.place_in(2**29, lines.file_in("/" + "}" * 499))
text = memoryview(b"x" * 10_000 + b"\\n")
print(json.dumps({
    "place": read(head + b'{"k":1}%d,1,"%b"\\x1f' % (len(newlines), b"f" * 501) + newlines),
    "label": read(head + b'{"k":1,"requestId":"%b"}%d\\x1f' % (b"f" * 201, len(newlines)) + newlines),
    "mark": read(head + b'{"was":{},"alone":{"requestId":"%b"}}0\\x1f' % (b"f" * 201) + newlines),
    "text": read(head + b'{"k":1,"requestId":"q"}%d\\x1f' % 5_000 + b"\\n" * 5_000),
    "ours": read(*lines.frames("t", labels, 1, text, place)),
    "our mark": read(lines.mark("t", labels, labels, "q"), bytes(text)),
}))
`;

it('a frame has no more labels, place and text than the runner writes, so that none becomes very large', () => {
  const output = execFileSync('python3', ['-c', program, runnerSources], { encoding: 'utf8', timeout: 20_000 });
  expect(JSON.parse(output)).toEqual({
    ...{ place: 'forged', label: 'forged', mark: 'forged', text: 'forged' },
    ours: expect.any(Number),
    'our mark': expect.any(Number),
  });
});
