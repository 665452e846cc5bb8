import type { ServiceDefinition } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import generated from './generated/controller.json' with { type: 'json' };

/** The two gRPC services of the platform. */
export interface Services {
  /** `controller.IsolateController`: what the SDK and the CLI call. */
  readonly controller: ServiceDefinition;
  /** isolate's `Isolate`: runners call its SetMetadata (runner-process.md §6), which edge/labels/ answers. */
  readonly isolate: ServiceDefinition;
}

/**
 * Reads the services out of the generated descriptor (scripts/protos.ts). Field names are the wire's own; enum values
 * are their names; a field with presence is absent when it was not sent, so that 0 and "not sent" stay apart.
 */
export function loadServices(): Services {
  const descriptor: unknown = generated.descriptor;
  const definitions = fromJSON(descriptor as Parameters<typeof fromJSON>[0], {
    keepCase: true,
    longs: Number,
    enums: String,
    defaults: false,
    arrays: true,
    objects: true,
    oneofs: true,
  });
  return { controller: service('controller.IsolateController'), isolate: service('Isolate') };

  function service(name: string): ServiceDefinition {
    const definition = definitions[name];
    if (definition === undefined || 'format' in definition) {
      throw new Error(`The wire descriptor has no service ${name}; run scripts/protos.ts again.`);
    }
    return definition;
  }
}
