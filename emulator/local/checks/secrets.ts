import type { SyntaxNode } from '@lezer/common';
import type { CheckedCode } from './app-code.ts';
import type { Finding } from './finding.ts';

/** With the beginning of what it has: programs compare with the first line alone. */
const privateKey = /-----BEGIN (?:[A-Z]{1,12} )?PRIVATE KEY-----(?:\s|\\[nr]|"|'){1,40}[A-Za-z0-9+/]{16}/g;

/** Secrets that can be recognized by their form, and the names by which apps usually get them. */
const known: readonly { readonly what: string; readonly form: RegExp; readonly name: string }[] = [
  { what: 'a token of Hugging Face', form: /\bhf_[A-Za-z0-9]{30,60}\b/g, name: 'HF_TOKEN' },
  { what: 'a key of fal', form: /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9a-f]{32}\b/g, name: 'FAL_KEY' },
  { what: 'a key of Anthropic', form: /\bsk-ant-[\w-]{20,200}/g, name: 'ANTHROPIC_API_KEY' },
  { what: 'a key of OpenAI', form: /\bsk-(?!ant-)(?:proj-)?[A-Za-z0-9_-]{32,200}/g, name: 'OPENAI_API_KEY' },
  { what: 'a token of GitHub', form: /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{50,90})\b/g, name: 'GITHUB_TOKEN' },
  { what: 'a key of AWS', form: /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g, name: 'AWS_ACCESS_KEY_ID' },
  { what: 'a key of Google', form: /\bAIza[0-9A-Za-z_-]{35}\b/g, name: 'GOOGLE_API_KEY' },
  { what: 'a token of Slack', form: /\bxox[abprs]-[0-9A-Za-z-]{20,200}/g, name: 'SLACK_TOKEN' },
  { what: 'a token of Replicate', form: /\br8_[A-Za-z0-9]{30,50}\b/g, name: 'REPLICATE_API_TOKEN' },
  { what: 'a private key', form: privateKey, name: 'PRIVATE_KEY' },
];

/** Secrets in string literals. */
export function secretFindings({ source }: CheckedCode): readonly Finding[] {
  return known.flatMap(({ what, form, name }) =>
    [...source.text.matchAll(form)].flatMap(({ 0: secret, index }): readonly Finding[] => {
      const node = stringAt(source.top, index);
      if (!node || isPlaceholder(secret)) return [];
      return [
        {
          code: 'secret-in-source',
          message:
            `This looks like ${what}. Everybody who gets the file or the app can read it. Store it with \`fal ` +
            `secrets set ${name}=…\`, and read it with os.environ["${name}"] where the app runs.`,
          from: node.from,
          to: node.to,
          fixes: [],
        },
      ];
    }),
  );
}

function stringAt(top: SyntaxNode, at: number): SyntaxNode | undefined {
  const node = top.resolveInner(at, 1);
  return node.name === 'String' || node.name === 'FormatString' ? node : undefined;
}

/** `hf_xxxxxxxx…`: few different characters; or words, as in the name of a model. */
function isPlaceholder(secret: string): boolean {
  const body = secret.slice(4).replace(/PRIVATE KEY|BEGIN|-/g, '');
  if (secret.startsWith('-----')) return false;
  return new Set(body).size < 8 || /x{6}|your|example/i.test(secret) || !/\d/.test(body);
}
