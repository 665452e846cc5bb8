import { onTestFinished } from 'vitest';
import type { SecretKey } from '../../../catalog/secrets/secret-key.ts';
import { testFolder } from '../../../store/testing/folder.ts';
import { loopbackHosts } from '../../../wire/hosts.ts';
import { grpcOnSocket } from '../../testing/grpc.ts';
import { testRooms } from '../../testing/rooms.ts';
import { createGrpcEdge } from '../server.ts';

/** The control plane of one test on its own socket, and a client with a valid key. */
export async function controlPlane(options: { readonly secretKey?: SecretKey } = {}) {
  const made = testRooms(testFolder(), options.secretKey);
  const { key, rooms, builds, fleet, logs, runnerHistory } = made;
  const reported: unknown[] = [];
  const wire = await grpcOnSocket((port) =>
    createGrpcEdge({
      ...rooms,
      builds,
      fleet,
      logs,
      runnerHistory,
      calls: { call: async () => undefined },
      copies: { next: () => () => undefined },
      authorities: loopbackHosts(port),
      hosts: { api: `localhost:${port}`, run: 'localhost:7001', queue: 'localhost:7002', ws: 'localhost:7003' },
      report: (error) => void reported.push(error),
    }),
  );
  onTestFinished(async () => {
    await wire.close();
    made.logs.close();
    made.store.close();
  });
  const credentials = { 'auth-key-id': key.keyId, 'auth-key': key.keySecret };
  return {
    ...made,
    ...wire,
    credentials,
    reported,
    /** With the valid key. */
    rpc: (method: string, request: object = {}) => wire.call(method, request, credentials),
    begin: (method: string, request: object = {}) => wire.start(method, request, credentials),
  };
}

/** What the SDK sends to register or run a small app. */
export function appRequest(more: object = {}): object {
  return {
    environments: [
      { kind: 'virtualenv', configuration: { fields: { python_version: { stringValue: '3.11' } } }, force: false },
    ],
    machine_requirements: { machine_type: 'S', machine_types: ['S'], keep_alive: 60, exposed_port: 8080 },
    application_name: 'greet',
    function: { method: 'cloudpickle', definition: Buffer.from('pickled') },
    ...more,
  };
}

/** A line written by a runner of the app. */
export function userLine(message: string, alias: string, revision: string | null = null) {
  return {
    at: 1,
    level: 'INFO',
    source: 'USER',
    stream: 'stdout',
    message,
    alias,
    revision,
    runnerId: 'runner',
    requestId: null,
    endpoint: null,
  } as const;
}
