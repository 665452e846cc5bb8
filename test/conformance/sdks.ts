import { join } from 'node:path';

/** A source distribution on PyPI that holds tests. */
export interface Source {
  readonly package: string;
  readonly version: string;
  /** Digest of the `.tar.gz`. */
  readonly sha256: string;
  /**
   * Texts to replace in test files before they run, if nothing else can point them at the emulator; mentioned in the
   * suite's note.
   */
  readonly rewrite?: { readonly files: readonly string[]; readonly from: string; readonly to: string };
}

export interface Suite {
  readonly name: string;
  readonly source: Source;
  /** Arguments for pytest: folders, files, single tests. */
  readonly paths: readonly string[];
  /** The number of collected tests: otherwise a suite could shrink unnoticed and pass. */
  readonly tests: number;
  /**
   * Its tests share state that an earlier test of the same file may remove, so each file needs one process and its own
   * order.
   */
  readonly inOrder?: boolean;
  /** The project's minimum, independent of the baseline. */
  readonly minPassed?: number;
  /** Apps that the tests call and don't deploy: names for `fal deploy`, each with its app in a file of `stand-ins/`. */
  readonly standIns?: { readonly [name: string]: string };
  /** A note for readers of the results. */
  readonly note?: string;
}

/** A release of the SDK together with the clients of its time, and the suites that run with it. */
export interface Sdk {
  readonly version: string;
  /** The exactly pinned requirements of its client environment. */
  readonly requirements: string;
  readonly suites: readonly Suite[];
  /** Holds skips.json, unskips.json (test to reason) and baseline.json. */
  readonly folder: string;
  /** Where its table is written. */
  readonly results: string;
}

const here = import.meta.dirname;

const falClient: Suite = {
  name: 'fal_client',
  source: {
    package: 'fal_client',
    version: '1.0.3',
    sha256: 'f0f0920eae871900e4efea1865be28d4a607a779d43d47a53a8498d2ce9691cd',
    rewrite: { files: ['tests/test_sync_client.py', 'tests/test_async_client.py'], from: '"fal-ai/', to: '"local/' },
  },
  paths: [
    ...['test_fal_client', 'test_fal_client_streaming', 'test_fal_client_upload', 'test_fal_client_encode'].map(
      (test) => `tests/test_sync_client.py::${test}`,
    ),
    ...['test_fal_client', 'test_fal_client_streaming', 'test_fal_client_upload'].map(
      (test) => `tests/test_async_client.py::${test}`,
    ),
  ],
  tests: 7,
  minPassed: 7,
  standIns: { 'fast-sdxl': 'apps.py::FastSdxl', 'any-llm': 'apps.py::AnyLlm' },
  note:
    'All tests of fal_client 1.0.3 that talk to a server; its others (`test_retry`, `tests/unit`) talk to mocks. ' +
    "The models they call on fal are stand-ins of the same name and shape here, deployed by the real CLI; the tests' " +
    'owner `fal-ai` is replaced by `local`, the account of every emulator.',
};

/** Newest first. Each folder's requirements.in explains how its pins are made. */
export const sdks: readonly Sdk[] = [
  {
    version: '1.83.0',
    requirements: join(here, '..', 'support', 'python-requirements.txt'),
    suites: [
      ...ownSuites('1.83.0', 'dbdd7684e35c15c00de863974c56ea73b0c18472d4129b1244b53424a1ed2cf0', {
        e2e: { tests: 49, minPassed: 20 },
        integration: { tests: 59 },
      }),
      falClient,
    ],
    folder: join(here, 'fal-1.83.0'),
    results: join(here, 'RESULTS.md'),
  },
  // The release of 5 August 2026.
  older('1.79.1', '372ee523b3fafa08340ba21dae7a87b17c71738a4ad3b9f5b9b2599aa7cee294', {
    e2e: { tests: 50, minPassed: 20 },
    integration: { tests: 59 },
  }),
  // The release of 25 May 2026.
  older('1.75.5', '8bdb692c4dc38d8afa7b105a94ab903328f8c25ba55fe0788afc38412437f417', {
    e2e: { tests: 46, minPassed: 20 },
    integration: { tests: 58 },
  }),
  // The release of 21 January 2026.
  older('1.66.0', '8e7b649fe53a8329cbac9683b30387fb787138679d0028cd75d4b258ec263479', {
    e2e: { tests: 40, minPassed: 20, inOrder: true },
    integration: { tests: 62 },
  }),
  // The release of 19 December 2025, the first with variables for its hosts.
  older('1.59.0', 'c76a51012b6d4c1dd333356d646d8ef969323de0c0f2dc93ad6fc8f74234d8c4', {
    e2e: { tests: 29, minPassed: 20, inOrder: true },
    integration: { tests: 55 },
  }),
  // The release of 24 November 2025. It knows FAL_HOST alone, and only names that begin with `api`: see
  // sitecustomize.py.
  older('1.57.0', '3d9fc6614d7939d558ae4708d517099eec71f8175bd1e2127368538a709bd311', {
    e2e: { tests: 29, minPassed: 20, inOrder: true },
    integration: { tests: 55 },
  }),
];

type Own = { readonly e2e: Omit<Suite, Fixed>; readonly integration: Omit<Suite, Fixed> };
type Fixed = 'name' | 'source' | 'paths';

function ownSuites(version: string, sha256: string, { e2e, integration }: Own): readonly Suite[] {
  const source = { package: 'fal', version, sha256 };
  return [
    { name: 'e2e', source, paths: ['tests/e2e/test_apps.py'], ...e2e },
    { name: 'integration', source, paths: ['tests/integration'], ...integration },
  ];
}

function older(version: string, sha256: string, own: Own): Sdk {
  const folder = join(here, `fal-${version}`);
  return {
    version,
    requirements: join(folder, 'requirements.txt'),
    suites: ownSuites(version, sha256, own),
    folder,
    results: join(folder, 'RESULTS.md'),
  };
}
