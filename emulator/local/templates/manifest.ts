import * as z from 'zod';

/** Where a variable's value goes: `{}` in a piece of text that the file contains with the default value. */
const place = z.strictObject({ file: z.string(), text: z.string().includes('{}') });

const common = {
  name: z.string().regex(/^[a-z]+(-[a-z]+)*$/),
  /** What to ask for. */
  title: z.string().min(1),
  places: z.array(place).min(1),
};

const variable = z.discriminatedUnion('type', [
  z.strictObject({ ...common, type: z.literal('app-name'), default: z.string() }),
  z.strictObject({ ...common, type: z.literal('image'), default: z.string() }),
  z.strictObject({ ...common, type: z.literal('choice'), default: z.string(), options: z.array(z.string()).min(2) }),
  z.strictObject({ ...common, type: z.literal('integer'), default: z.int(), min: z.int(), max: z.int() }),
]);
export type Variable = z.infer<typeof variable>;

/** `template.json` of a template. */
export const manifestSchema = z.strictObject({
  title: z.string().min(1),
  /** What it shows, one sentence. */
  shows: z.string().regex(/^[A-Z].*\.$/),
  /** The position in lists. */
  order: z.int(),
  machineType: z.string(),
  /** The memory of a GPU that it needs; 0: it needs no GPU. */
  vramGb: z.number().nonnegative(),
  /** What a first start downloads. */
  downloadMb: z.number().nonnegative(),
  tags: z.array(z.string()).min(1),
  /** The files of a new project, the app first; no folders. */
  files: z.array(z.string().regex(/^[\w-]+(\.[\w-]+)*$/)).min(3),
  variables: z.array(variable).min(1),
});
export type Manifest = z.infer<typeof manifestSchema>;

const appName = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** REGISTRY/NAME:TAG@DIGEST, of which only the name is needed. */
const imageName = /^[\w.-]+(:\d+(?=\/))?(\/[\w.-]+)*(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$/;

/** Why a variable can't have this value, a sentence; `undefined`: it can. */
export function objection(variable: Variable, value: string): string | undefined {
  switch (variable.type) {
    case 'app-name':
      if (appName.test(value) && value.length <= 50) return undefined;
      return 'Use up to 50 lowercase letters and digits, in parts separated by single hyphens.';
    case 'image':
      if (imageName.test(value) && value.length <= 200) return undefined;
      return 'Use the name of an image, such as python:3.12-slim.';
    case 'choice':
      return variable.options.includes(value) ? undefined : `Choose one of ${variable.options.join(', ')}.`;
    case 'integer': {
      const { min, max } = variable;
      // Python refuses leading zeros.
      if (/^(0|[1-9]\d{0,8})$/.test(value) && Number(value) >= min && Number(value) <= max) return undefined;
      return `Use a whole number from ${min} to ${max}.`;
    }
  }
}

/** An app name made of a text such as a folder's name; `undefined` if nothing of it can be used. */
export function appNameOf(text: string): string | undefined {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 50)
    .replace(/^-|-$/g, '');
  return name === '' ? undefined : name;
}
