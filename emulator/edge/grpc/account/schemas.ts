import { z } from 'zod';
import { isPlatformVariable, secretName, secretValue } from '../../../wire/secrets.ts';
import { environmentName, id } from '../fields.ts';

export const setSecretSchema = z
  .object({
    name: secretName,
    value: secretValue.optional(),
    environment_name: environmentName,
    default_exposed: z.boolean().optional(),
  })
  .superRefine(({ name, value }, context) => {
    // Deleting a secret that an older minifal accepted is allowed.
    if (value === undefined || !isPlatformVariable(name)) return;
    const message = `the platform sets ${name} in every runner itself; choose another name`;
    context.addIssue({ code: 'custom', path: ['name'], message });
  });

export const createEnvironmentSchema = z.object({
  name: z
    .string()
    .regex(/^[a-zA-Z0-9](?:-?[a-zA-Z0-9_])*$/, 'only letters, digits, `_` and single `-` are allowed')
    .max(64),
  description: z.string().max(2000).optional(),
});
export const environmentNameSchema = z.object({ name: id });

export const createUserKeySchema = z.object({
  scope: z.enum(['ADMIN', 'API']).optional(),
  alias: z.string().max(200).optional(),
  policy_preset: z.string().optional(),
  policy: z.object({ permissions: z.array(z.string()) }).optional(),
});
export const revokeUserKeySchema = z.object({ key_id: id });
