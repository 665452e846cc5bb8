import type { DiskUse } from '../target/disk.ts';
import type { Link } from '../target/link.ts';
import type { SecretNames } from '../target/secrets.ts';
import { emulatorItems } from './emulator-rows.ts';
import { createRowView, type Element, type RowTree } from './row-view.ts';

/**
 * Fills the view "Emulator" from the live state. Names of secrets and the disk use aren't part of it: they are asked
 * for when the view is shown, and while it is visible after a deploy or a command that changes them.
 */
export function createEmulatorView(deps: {
  readonly link: Pick<Link, 'folder' | 'snapshot' | 'onChange'>;
  /** Requests to the emulator. */
  readonly ask: {
    secrets(): Promise<SecretNames | undefined>;
    disk(): Promise<DiskUse | undefined>;
  };
  readonly view: RowTree;
  readonly changed: (elements: Element[] | undefined) => void;
}) {
  const { link, view, ask } = deps;
  let secrets: SecretNames | undefined;
  let disk: DiskUse | undefined;
  /** What the answers are about. */
  let asked = '';

  const tree = createRowView({
    view,
    changed: deps.changed,
    rows: () => emulatorItems({ snapshot: link.snapshot(), folder: link.folder, secrets, disk }, Date.now()),
  });

  /** The emulator and the revisions of its apps: each may need another environment. */
  function subject(): string {
    const { live } = link.snapshot();
    if (!live) return '';
    return [live.head.pid, ...[...live.apps.values()].map(({ alias, revision }) => `${alias} ${revision}`)].join('\n');
  }

  async function refresh(): Promise<void> {
    asked = view.visible ? subject() : '';
    if (asked === '') return;
    const about = asked;
    const isCurrent = () => about === asked;
    await Promise.all([
      ask.secrets().then((answer) => {
        if (answer && isCurrent()) secrets = answer;
        tree.update();
      }),
      ask.disk().then((answer) => {
        if (answer && isCurrent()) disk = answer;
        tree.update();
      }),
    ]);
  }

  function update(): void {
    if (view.visible && subject() !== asked) void refresh();
    tree.update();
  }

  const unsubscribe = link.onChange(update);
  // What was changed while the view was hidden isn't known.
  const seen = view.onDidChangeVisibility(() => void refresh());
  update();

  return {
    ...tree,
    refresh,
    close() {
      unsubscribe();
      seen.dispose();
      tree.close();
    },
  };
}
