import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createBuilds } from '../builds/builds.ts';
import { createContainerBuilder } from '../builds/container/builder.ts';
import { createFunctions } from '../builds/container/functions.ts';
import { createDebugpy, type Debugpy } from '../builds/debugpy.ts';
import type { Builds } from '../builds/types.ts';
import { createVirtualenvBuilder } from '../builds/virtualenv/builder.ts';
import { warmingBuilds } from '../builds/warming.ts';
import { firstMachineType } from '../catalog/machine-types.ts';
import { createRunnerKeys, type RunnerKeys } from '../edge/auth/runner-keys.ts';
import { createLabels } from '../edge/labels/labels.ts';
import { createDockerEngine } from '../engines/docker/docker-engine.ts';
import { createEngines } from '../engines/engines.ts';
import { createProcessEngine, type ProcessEngine } from '../engines/process/process-engine.ts';
import { createWantedPlaces, type WantedPlaces } from '../engines/wanted-places.ts';
import { type Copies, createCopies } from '../exchange/copies.ts';
import { createExchange, type Exchange } from '../exchange/exchange.ts';
import { createLateUnits, type LateUnits } from '../exchange/late-units.ts';
import { createFleet } from '../fleet/fleet.ts';
import { createLaunches } from '../fleet/runners/launches.ts';
import { createRunnerVariables } from '../fleet/runners/runner-env.ts';
import type { Fleet } from '../fleet/types.ts';
import { engineUse } from '../local/docker/use.ts';
import type { GpuMonitor } from '../local/gpus/gpu-monitor.ts';
import { toolEnvironment } from '../local/uv/tool-env.ts';
import { ensureUv } from '../local/uv/uv.ts';
import { createExceptionRecorder } from '../telemetry/exceptions.ts';
import { createLineRecorder } from '../telemetry/lines.ts';
import { createNoteRecorder } from '../telemetry/notes.ts';
import { createStartRecorder } from '../telemetry/starts/starts.ts';
import type { Hosts } from '../wire/hosts.ts';
import type { Foundations } from './foundations.ts';
import type { MachineGpus } from './gpus.ts';
import type { EmulatorOptions } from './options.ts';
import type { Promises } from './promises.ts';
import { samplesOf } from './runner-samples.ts';

/** The part that runs apps. */
export interface Compute {
  /** For users who deploy and run apps. */
  readonly builds: Builds;
  readonly fleet: Fleet;
  readonly gpuUse: Pick<GpuMonitor, 'sample' | 'memoryOf'>;
  readonly exchange: Exchange;
  /** Of what goes through it. */
  readonly copies: Copies;
  readonly lateUnits: LateUnits;
  readonly places: WantedPlaces;
  readonly runnerKeys: RunnerKeys;
  readonly isolation: Pick<ProcessEngine, 'missing' | 'probe'>;
  readonly debugTools: Debugpy['tools'];
  /** Gives runners their grace period, then ends them. */
  endRunners(): Promise<void>;
  /** Ends the services for runners, and builds in progress. */
  close(): Promise<void>;
}

interface Given {
  readonly hosts: Hosts;
  readonly runnerSources: string;
  readonly machineGpus: MachineGpus;
}

type KindOptions = Pick<EmulatorOptions, 'folder' | 'print' | 'isolation' | 'shares' | 'allowOutside'>;

/** The kinds of environments: a builder and an engine for each. */
function createKinds(
  { folder, print, isolation, shares, allowOutside = false }: KindOptions,
  { clock, caBundle, mask, ownLog, report }: Foundations,
  { catalog }: Pick<Promises, 'catalog'>,
  runnerSources: string,
) {
  const uv = () => ensureUv({ toolsDir: join(folder, 'tools') });
  const debuggers = join(folder, 'tools', 'debugpy');
  // Runners that start before the first debugger see the folder, too.
  mkdirSync(debuggers, { recursive: true });
  const debugpy = createDebugpy({
    folder: debuggers,
    script: join(runnerSources, 'adapter', 'adapter.py'),
    uv,
    env: toolEnvironment(process.env, { caBundle, spareCache: join(folder, 'cache', 'uv') }),
    mask,
    line: (text) => ownLog.info('debug', text),
  });
  const virtualenvs = createVirtualenvBuilder({
    dataDir: folder,
    uv,
    clock,
    caBundle,
    secretValue: catalog.buildSecret,
    mask,
  });
  const use = engineUse(folder);
  const functions = createFunctions({
    dataDir: folder,
    runnerSources,
    uv,
    caBundle,
    secretValue: catalog.buildSecret,
    mask,
  });
  const containers = createDockerEngine({
    use,
    runnerSources,
    runnersDir: join(folder, 'runners'),
    tools: join(folder, 'tools'),
    caBundle,
    debuggers: { folder: debuggers, install: debugpy.folderFor },
    clock,
    report,
  });
  const processes = createProcessEngine({
    dataDir: folder,
    runnerSources,
    report,
    isolation,
    shown: [caBundle, debuggers],
    debugpy: debugpy.folder,
    shares,
    allowOutside,
    onLimit(sentence) {
      ownLog.info('engine', sentence);
      print(sentence);
    },
  });
  return {
    builds: createBuilds({
      virtualenv: virtualenvs,
      container: createContainerBuilder({ use, clock, mask, functions }),
    }),
    engine: createEngines({ virtualenv: processes, container: containers }),
    isolation: processes,
    debugpy,
  };
}

/**
 * @param given `hosts`: the addresses at which runners reach us; `runnerSources`: the folder of the runners' Python
 *   code; `machineGpus`: what GPUs they get
 */
export function createCompute(
  options: KindOptions & Pick<EmulatorOptions, 'timeScale' | 'maxRunners' | 'machineLimits'>,
  foundations: Foundations,
  promises: Promises,
  { hosts, runnerSources, machineGpus }: Given,
): Compute {
  const { logs, runnerHistory, samples, clock, startedAt, steady, caBundle, keys, mask, report } = foundations;
  const { catalog, blobs, appFiles, queue, requestHistory } = promises;
  const { builds, engine, isolation, debugpy } = createKinds(options, foundations, promises, runnerSources);
  const notes = createNoteRecorder({ history: runnerHistory, logs });
  const recordException = createExceptionRecorder(logs, requestHistory, mask);
  const lateUnits = createLateUnits({ logs, clock });
  const { copies, exchange } = createCopies(createExchange({ lateUnits }));
  const runnerKeys = createRunnerKeys();
  mask.hold([runnerKeys.common]);
  const labels = createLabels({ token: keys.controller, report });
  const sharedData = join(options.folder, 'data');
  mkdirSync(sharedData, { recursive: true, mode: 0o700 });
  const places = createWantedPlaces(engine);
  const fleet: ReturnType<typeof createFleet> = createFleet({
    seed: randomBytes(16).toString('hex'),
    clock,
    steady,
    time: { factor: options.timeScale, start: startedAt },
    maxRunners: options.maxRunners,
    gpuRoom: machineGpus.room,
    gpus: machineGpus.gpus,
    onGpuUse: machineGpus.monitor.setInUse,
    onUsage: (usages) => samples.add(samplesOf(clock(), usages, fleet.gpus(), machineGpus.monitor)),
    engine,
    queue,
    dataDir: sharedData,
    machineLimits: options.machineLimits,
    launchOf: createLaunches({ catalog, blobs, appFiles, builds }),
    exchange,
    envOf: createRunnerVariables({
      catalog,
      hosts,
      keyOf: runnerKeys.keyOf,
      caBundle,
      controllerToken: keys.controller,
      labelsPort: labels.port,
    }),
    mask,
    onLine: createLineRecorder(logs, mask),
    onException: recordException,
    onStep: createStartRecorder(runnerHistory, mask),
    onMoved(name, revision) {
      catalog.moveAlias(name, revision);
      // A run begins with its name as its revision, and gets others when it is reloaded.
      if (revision !== name && !catalog.alias(name)) requestHistory.reloaded(name, revision);
    },
    onCreated: (runner, machineType) =>
      notes.created(runner, machineType ?? firstMachineType(catalog.alias(runner.alias)?.machineTypes)),
    onNotes: notes.record,
    trace: requestHistory,
    report,
  });
  machineGpus.attach(fleet);
  return {
    builds: warmingBuilds(builds, engine),
    fleet,
    gpuUse: machineGpus.monitor,
    exchange,
    copies,
    places,
    lateUnits,
    runnerKeys,
    isolation,
    debugTools: debugpy.tools,
    endRunners: () => fleet.close(),
    async close() {
      machineGpus.close();
      await Promise.all([labels.close(), builds.close(), debugpy.close()]);
    },
  };
}
