/**
 * The configuration of a container environment without the values of its build secrets and the passwords of its
 * registries, to be kept. What was built with them is found by their names.
 */
export function withoutCredentials(
  kind: string,
  configuration: { readonly [key: string]: unknown },
): { readonly [key: string]: unknown } {
  const { image } = configuration;
  if (kind !== 'container' || !isObject(image)) return configuration;
  const { secrets, registries } = image;
  return {
    ...configuration,
    image: {
      ...image,
      ...(isObject(secrets) ? { secrets: mapValues(secrets, () => null) } : {}),
      ...(isObject(registries)
        ? { registries: mapValues(registries, (login) => (isObject(login) ? { ...login, password: null } : null)) }
        : {}),
    },
  };
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mapValues(object: { readonly [key: string]: unknown }, change: (value: unknown) => unknown) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}
