import { z } from 'zod';
import { buildEnvironmentSchema, callable, serializedObject } from '../apps/schemas.ts';
import { authModeSchema } from '../fields.ts';

export const runSchema = buildEnvironmentSchema.extend(callable.shape).extend({
  // The function's own name or an entry point; only displayed, so it is free text.
  application_name: z.string().max(500).optional(),
  setup_func: serializedObject.optional(),
  auth_mode: authModeSchema.optional(),
});
export type RunRequest = z.output<typeof runSchema>;
