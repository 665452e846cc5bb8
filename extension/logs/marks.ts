import type { Mark } from '../../webview/host.ts';
import type { Link } from '../target/link.ts';
import type { Snapshot } from '../target/snapshot.ts';
import { t } from '../words.ts';

const maxMarks = 50;

/**
 * Ends and starts of emulators, as lines of the log: the log itself can't have them, because an emulator that was
 * killed writes nothing. `stored` outlives the window.
 */
export function createMarks(deps: {
  readonly link: Pick<Link, 'snapshot' | 'onChange'>;
  readonly stored: { get(): readonly Mark[]; set(marks: readonly Mark[]): void };
  readonly changed: (marks: readonly Mark[]) => void;
}) {
  const { link, stored, changed } = deps;

  function add(mark: Mark): void {
    const marks = stored.get();
    if (marks.some(({ at, text }) => at === mark.at && text === mark.text)) return;
    const all = [...marks, mark].slice(-maxMarks);
    stored.set(all);
    changed(all);
  }

  function look(now: Snapshot, before?: Snapshot): void {
    const startedAt = now.live?.head.startedAt;
    if (before?.live && !now.live) add({ at: Date.now(), text: t('The emulator ended') });
    if (startedAt !== undefined && startedAt !== before?.live?.head.startedAt)
      add({ at: startedAt, text: t('The emulator started') });
  }

  look(link.snapshot());
  return { all: (): readonly Mark[] => stored.get(), close: link.onChange(look) };
}
