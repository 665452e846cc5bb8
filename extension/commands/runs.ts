import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import type { SetContext } from '../contexts.ts';
import { withVisibleProgress } from '../present.ts';
import { ignoreOrder, restartOrder } from '../process/run/watched-run.ts';
import { createObserved } from '../target/observed.ts';
import { t } from '../words.ts';
import type { HeldTask } from './fal-task.ts';
import { createServing } from './serving.ts';

/** The running `fal` commands of this window. */
export interface Runs {
  hold(task: HeldTask): void;
  /** Until `signal` is aborted, a run of the app with this key has begun; `serves` says under which alias. */
  begin(key: string, signal: AbortSignal): { serves(alias: string): void };
  /** Does `work`, which begins a run of this app, in place of an earlier one. */
  expect<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** Whether a run of one of these apps was requested that hasn't begun yet. */
  isExpected(keys: readonly string[]): boolean;
  /** Does `work`, which deploys this app. */
  deploy<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** The runs of these apps ended because no window was open. */
  endedAlone(keys: readonly string[]): void;
  /** Whether the last run of one of these apps ended so, and none has begun since. */
  hasEndedAlone(keys: readonly string[]): boolean;
  /** Whether one of these apps is deployed now. */
  isDeploying(keys: readonly string[]): boolean;
  /**
   * The aliases under which runs serve an app, the newest run first; `undefined` for a run whose address isn't known
   * yet.
   */
  aliasesOf(key: string): readonly (string | undefined)[];
  /** Called after every change of the runs; returns the unsubscriber. */
  onChange(listener: () => void): () => void;
  /** Runs of an earlier window are held once this has resolved; it may never. */
  joining(work: Promise<unknown>): void;
  /** Resolves when this window holds the runs of an earlier one, or doesn't wait for them any longer. */
  joined(): Promise<unknown>;
  /** Resolves when the run has ended. `false`: nothing is running, or the user chose nothing. */
  stopOne(key?: string): Promise<boolean>;
  /**
   * Has a run that reloads start its runners again, with a new `setup()`. `false`: none of this app does (`key`
   * absent: of any app), or the user chose nothing.
   */
  restartOne(key?: string): Promise<boolean>;
  /** The runs that reload. */
  reloading(): readonly Pick<HeldTask, 'key' | 'cwd' | 'label'>[];
  /** Has the run of this app no longer reload for what fits a glob, which begins at its folder. */
  ignore(key: string, glob: string): void;
  /** Whether `fal run` of the app with this key is running. */
  has(key: string): boolean;
  /** The apps whose runs are running, or have just failed. */
  lately(): readonly string[];
  /** Stops all runs of an app; resolves when they have ended. */
  endAll(key: string): Promise<void>;
  /** Leaves all runs to the next window. */
  leave(): void;
}

/** In this time, a window joins the runs of an earlier one, also on a busy machine; others may keep theirs. */
const joinMs = 15_000;

/** An emulator that is killed is noticed by its runs and by the window within this time, in any order. */
const justMs = 5_000;

export function createRuns(setContext: SetContext): Runs {
  const runs = new Set<HeldTask>();
  /** Keys of apps. */
  const justFailed = new Set<string>();
  const changed = createObserved<undefined>(undefined);
  const serving = createServing(() => changed.set(undefined));
  let joining: Promise<unknown> = Promise.resolve();
  const runsOf = (key: string) => [...runs].filter((task) => task.key === key && task.command === 'run');
  const reloading = () => [...runs].filter((task) => task.reloads);
  return {
    hold(task) {
      runs.add(task);
      setContext('hasRuns', true);
      void task.ended.then(({ code, stopped }) => {
        runs.delete(task);
        setContext('hasRuns', runs.size > 0);
        if (task.command !== 'run' || stopped || code === 0) return;
        justFailed.add(task.key);
        setTimeout(() => justFailed.delete(task.key), justMs).unref();
      });
    },
    begin: serving.begin,
    expect: serving.expect,
    isExpected: serving.isExpected,
    endedAlone: serving.endedAlone,
    hasEndedAlone: serving.hasEndedAlone,
    deploy: serving.deploy,
    isDeploying: serving.isDeploying,
    aliasesOf: serving.aliasesOf,
    onChange: changed.onChange,
    joining(work) {
      joining = Promise.race([work, sleep(joinMs, undefined, { ref: false })]);
    },
    joined: () => joining,
    async stopOne(key) {
      const fitting = () => [...runs].filter((task) => key === undefined || task.key === key);
      // The editor offers this command before the extension is ready, for example after its process was killed.
      if (fitting().length === 0) await joining;
      const stoppable = fitting();
      const [first, ...others] = stoppable;
      const items = stoppable.map((task) => ({ label: task.label, task }));
      const task =
        others.length === 0
          ? first
          : (await vscode.window.showQuickPick(items, { title: t('Select a Run to Stop') }))?.task;
      task?.stop();
      if (task) await withVisibleProgress(t('Stopping {0}', task.label), () => task.ended);
      return task !== undefined;
    },
    async restartOne(key) {
      const fitting = () => reloading().filter((task) => key === undefined || task.key === key);
      if (fitting().length === 0) await joining;
      const [first, ...others] = fitting();
      const items = fitting().map((task) => ({ label: task.label, task }));
      const task =
        others.length === 0
          ? first
          : (await vscode.window.showQuickPick(items, { title: t('Select a Run to Restart') }))?.task;
      task?.order(restartOrder);
      return task !== undefined;
    },
    reloading,
    ignore(key, glob) {
      for (const task of reloading()) if (task.key === key) task.order(ignoreOrder(glob));
    },
    has: (key) => runsOf(key).length > 0,
    lately: () => [
      ...new Set([...justFailed, ...[...runs].filter(({ command }) => command === 'run').map(({ key }) => key)]),
    ],
    async endAll(key) {
      // A window that was just reloaded may not have joined them yet.
      if (runsOf(key).length === 0) await joining;
      for (const task of runsOf(key)) task.stop();
      await Promise.all(runsOf(key).map((task) => task.ended));
    },
    leave() {
      for (const task of runs) task.leave();
    },
  };
}
