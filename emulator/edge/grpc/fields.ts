import { z } from 'zod';
import {
  type JsonObject,
  msFromTimestamp,
  type ProtoStruct,
  type ProtoValue,
  structToJson,
} from '../../wire/struct.ts';

/**
 * Fields that several RPCs share. The schemas.ts of each folder defines what its RPCs accept, as decoded by
 * wire/services.ts: an absent field is absent, an enum is its name, a list is never missing. Each schema also converts
 * wire types to plain ones (Struct to object, Timestamp to milliseconds).
 */

const protoValue: z.ZodType<ProtoValue> = z.lazy(() =>
  z.object({
    nullValue: z.unknown().optional(),
    numberValue: z.number().optional(),
    stringValue: z.string().optional(),
    boolValue: z.boolean().optional(),
    structValue: protoStruct.optional(),
    listValue: z.object({ values: z.array(protoValue).optional() }).optional(),
  }),
);
const protoStruct: z.ZodType<ProtoStruct> = z.lazy(() =>
  z.object({ fields: z.record(z.string(), protoValue).optional() }),
);
export const struct = protoStruct.transform((value): JsonObject => structToJson(value));
export const instantMs = z
  .object({ seconds: z.number().optional(), nanos: z.number().optional() })
  .transform(msFromTimestamp);

/** One path segment of a URL, one key of a store: nothing that needs escaping anywhere. */
export const name = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'only letters, digits, `.`, `_` and `-` are allowed, a letter or digit first');
export const id = z.string().min(1).max(200);
export const environmentName = z
  .union([z.literal(''), name])
  .optional()
  .transform((value) => (value === undefined || value === '' ? 'main' : value));
export const bytes = z.instanceof(Uint8Array);
export const count = z.int().min(0);
export const seconds = z.int().min(0);

export const authModeSchema = z.enum(['PRIVATE', 'PUBLIC', 'SHARED']);
export const strategySchema = z.enum(['RECREATE', 'ROLLING']);

export const emptySchema = z.object({});
export const environmentFilterSchema = z.object({ environment_name: environmentName });
