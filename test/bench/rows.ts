import {
  changeEventSchema,
  type LiveState,
  liveState,
  stateEventSchema,
  withLiveChange,
} from '../../emulator/wire/live.ts';
import type { Link } from '../../extension/target/link.ts';
import type { Snapshot } from '../../extension/target/snapshot.ts';
import { createAppsView } from '../../extension/views/apps-view.ts';
import { createRequestsView } from '../../extension/views/requests-view.ts';
import type { Element, RowTree } from '../../extension/views/row-view.ts';

/** The views Apps and Requests as a window has them, on the screen, without the editor that draws them. */
export function openViews() {
  const listeners = new Set<(now: Snapshot, before: Snapshot) => void>();
  let live: LiveState | undefined;
  let redraws = 0;
  const busyMs: number[] = [];
  const snapshot = (): Snapshot => ({ state: 'running', ...(live ? { live } : {}) });
  const link = {
    snapshot,
    client: () => undefined,
    onChange(listener: (now: Snapshot, before: Snapshot) => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  } as unknown as Link;
  const never = () => ({ dispose: () => undefined });
  const shared = () => ({
    link,
    view: {
      visible: true,
      message: '',
      selection: [],
      onDidChangeVisibility: never,
      reveal: async () => undefined,
    } as unknown as RowTree,
    changed: () => void redraws++,
    setContext: () => undefined,
  });
  const apps = createAppsView({
    ...shared(),
    canRun: () => true,
    index: { known: () => [], broken: async () => [], onDidChange: never } as never,
    runs: {
      aliasesOf: () => [],
      isExpected: () => false,
      isDeploying: () => false,
      hasEndedAlone: () => false,
      onChange: () => () => undefined,
    },
  });
  const requests = createRequestsView({ ...shared(), appNames: () => (alias) => alias });
  const read = (element?: Element): number =>
    apps.getChildren(element).reduce((count, child) => count + 1 + read(child), 0);
  return {
    take(event: string, data: string): void {
      const before = snapshot();
      const began = performance.now();
      if (event === 'state') live = liveState(stateEventSchema.parse(JSON.parse(data)));
      else if (live) live = withLiveChange(live, changeEventSchema.parse(JSON.parse(data)));
      for (const listener of listeners) listener(snapshot(), before);
      busyMs.push(performance.now() - began);
      read();
    },
    requestIds: () => requests.getChildren().flatMap(({ id }) => id ?? []),
    figures: () => ({ rows: read() + requests.getChildren().length, redraws, busyMs }),
    close() {
      apps.close();
      requests.close();
    },
  };
}
