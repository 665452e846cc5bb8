import { aliasName } from '../target/alias-name.ts';
import type { DiskUse } from '../target/disk.ts';
import type { LiveState } from '../target/live.ts';
import type { SecretNames } from '../target/secrets.ts';
import type { Snapshot } from '../target/snapshot.ts';
import { age } from '../target/snapshot.ts';
import { t } from '../words.ts';
import { bytesText } from './bytes.ts';
import { fact, gone, type Row, roughAge } from './row.ts';

type Head = LiveState['head'];

/** Everything that the view "Emulator" shows. */
export interface EmulatorShown {
  readonly snapshot: Pick<Snapshot, 'live' | 'last' | 'running'>;
  readonly folder: string;
  /** Names only; `undefined`: not asked yet. */
  readonly secrets?: SecretNames | undefined;
  readonly disk?: DiskUse | undefined;
}

/** The emulator with its addresses, its GPUs, the names of its secrets, and its disk use. Pure. */
export function emulatorItems(shown: EmulatorShown, now: number): readonly Row[] {
  const live = shown.snapshot.live ?? shown.snapshot.last;
  if (!live) return [];
  const rows = [
    localRow(shown, live.head, now),
    ...live.head.gpus.map((gpu) => gpuRow(gpu, live)),
    ...(shown.secrets ? [secretsRow(shown.secrets, live.head)] : []),
    ...(shown.disk ? [diskRow(shown.disk)] : []),
  ];
  if (shown.snapshot.live) return rows;
  return gone(rows).map((row) => (row.kind === 'emulator' ? { ...row, description: t('not running') } : row));
}

function localRow({ snapshot: { running }, folder }: EmulatorShown, head: Head, now: number): Row {
  const { version, pid, startedAt, timeScale, isolation, trouble } = head;
  const ports = running?.ports;
  // In real time, unlike the ages of states.
  const up = t('up {0}', age(inSteps(now - startedAt), 1));
  return {
    id: 'emulator',
    kind: 'emulator',
    label: t('local'),
    description: [...(ports ? [`:${ports.api}`] : []), up].join(' · '),
    icon: trouble === null ? 'server-environment' : 'warning',
    ...(trouble === null ? {} : { color: 'list.warningForeground' }),
    facts: [
      ...(trouble === null ? [] : [fact('', trouble)]),
      fact('', t('minifal {0}, process {1}', version, pid)),
      fact(t('Data folder'), folder),
      fact(t('Isolation'), isolation.mode),
      ...(timeScale === 1 ? [] : [fact(t('Time scale'), `x${timeScale}`)]),
    ],
    isTicking: true,
    spoken: t('local emulator, up {0}', roughAge(now - startedAt)),
    children: ports ? [...addressRows(ports), versionRow(head)] : [],
    isFolded: true,
  };
}

function versionRow({ version, pid }: Head): Row {
  return {
    id: 'version',
    kind: 'version',
    label: t('Version'),
    description: `${version} · ${t('process {0}', pid)}`,
    icon: 'info',
    facts: [],
    spoken: t('minifal {0}, process {1}', version, pid),
    children: [],
    about: { id: version },
  };
}

function addressRows(ports: NonNullable<Snapshot['running']>['ports']): readonly Row[] {
  const uses = {
    api: { label: 'API', use: t('The control plane, which `fal` uses') },
    run: { label: t('Run'), use: t('Direct calls of apps') },
    queue: { label: t('Queue'), use: t('Queued calls of apps') },
    ws: { label: 'WebSocket', use: t('Calls of apps over a websocket') },
  };
  return (['api', 'run', 'queue', 'ws'] as const).map((name) => {
    const { label, use } = uses[name];
    const url = `http://localhost:${ports[name]}`;
    return {
      id: `address/${name}`,
      kind: 'address',
      label,
      description: `localhost:${ports[name]}`,
      icon: 'link',
      facts: [fact('', use), fact('URL', url, url)],
      spoken: t('{0}, port {1}', label, ports[name]),
      children: [],
      about: { url },
    };
  });
}

function gpuRow({ uuid, index, name, memoryMib, virtual, runners, now }: Head['gpus'][number], live: LiveState): Row {
  const holders = runners.flatMap(({ id }) => {
    const runner = live.runners.get(id);
    return runner ? [t('{0} runner {1}', aliasName(runner.alias, runner.appName), runner.number)] : [];
  });
  const used = now?.memoryUsedMib ?? null;
  const memory = used === null || memoryMib === null ? [] : [t('{0} of {1} GB', gigabytes(used), gigabytes(memoryMib))];
  const state = holders.length === 0 ? t('free') : holders.join(', ');
  const label = t('GPU {0}', index);
  return {
    id: `gpu/${uuid}`,
    kind: 'gpu',
    label,
    description: [state, ...memory, shortName(name)].join(' · '),
    icon: 'circuit-board',
    facts: [
      fact('', virtual ? t('{0} (virtual)', name) : name),
      ...(memory[0] === undefined ? [] : [fact(t('Memory'), memory[0])]),
      ...(now?.utilization == null ? [] : [fact(t('Load'), `${now.utilization} %`)]),
      ...(now?.celsius == null ? [] : [fact(t('Temperature'), `${now.celsius} °C`)]),
      fact('ID', uuid),
    ],
    spoken: `${label}, ${state}`,
    children: [],
    about: { id: uuid },
  };
}

function secretsRow(secrets: SecretNames, { secrets: state }: Head): Row {
  const sorted = secrets.toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
  const names = sorted.map(({ name }) => name).join(', ');
  const description = state === 'sealed' ? t('sealed by the keychain') : names === '' ? t('none') : names;
  return {
    id: 'secrets',
    kind: 'secrets',
    label: t('Secrets'),
    description,
    icon: 'key',
    facts: [fact('', t('Each app gets them as environment variables when a runner starts.'))],
    spoken: secrets.length === 1 ? t('1 secret') : t('{0} secrets', secrets.length),
    children: sorted.map(({ name, environment, createdAt }) => ({
      id: `secret/${environment}/${name}`,
      kind: 'secret',
      label: name,
      description: environment === 'main' ? '' : environment,
      icon: 'symbol-variable',
      facts: [fact(t('Environment'), environment), fact(t('Created'), new Date(createdAt).toLocaleString('en-GB'))],
      spoken: t('secret {0}', name),
      children: [],
      about: { id: name, secret: { name, environment } },
    })),
    isFolded: true,
  };
}

function diskRow({ folder, bytes, environments, unused, storageBytes, dataBytes, freeBytes }: DiskUse): Row {
  const count = environments.count === 1 ? t('1 environment') : t('{0} environments', environments.count);
  return {
    id: 'disk',
    kind: 'disk',
    label: t('Disk'),
    description: `${bytesText(bytes)} · ${count}`,
    icon: 'database',
    facts: [
      fact(t('Environments'), bytesText(environments.bytes)),
      fact(t('Not used by any app'), bytesText(unused.bytes)),
      fact(t('Stored files'), bytesText(storageBytes)),
      fact('/data', bytesText(dataBytes)),
      fact(t('Free on the disk'), bytesText(freeBytes)),
      fact(t('Data folder'), folder),
    ],
    spoken: t('disk use {0}, {1}', bytesText(bytes), count),
    children: [],
    about: { id: folder },
  };
}

/** Minutes from the second one on, so that a row is redrawn rarely. */
function inSteps(ms: number): number {
  return ms < 90_000 ? Math.floor(ms / 10_000) * 10_000 : Math.floor(ms / 60_000) * 60_000;
}

function gigabytes(mebibytes: number): string {
  return (mebibytes / 1024).toFixed(mebibytes < 10 * 1024 ? 1 : 0);
}

function shortName(name: string): string {
  return name.replace(/^NVIDIA (GeForce )?/, '');
}
