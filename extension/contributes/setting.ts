/** A setting of the extension, as the settings editor shows it. Its values are checked by `checked-settings.ts`. */
export type Setting = NumberSetting | TextSetting | ChoiceSetting | SwitchSetting | ListSetting;

interface Common {
  /** Sentences in Markdown. */
  readonly description: string;
  /** `machine`: a workspace can't set it. */
  readonly scope: 'machine' | 'machine-overridable' | 'window';
  /** A matter of taste: used in folders that aren't trusted, too. */
  readonly isSafe?: true;
}

interface NumberSetting extends Common {
  readonly type: 'number';
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
}

interface TextSetting extends Common {
  readonly type: 'string';
  readonly default: string;
}

interface ChoiceSetting extends Common {
  readonly type: 'choice';
  readonly default: string;
  /** The values, each with its description. */
  readonly values: { readonly [value: string]: string };
}

interface SwitchSetting extends Common {
  readonly type: 'boolean';
  readonly default: boolean;
}

interface ListSetting extends Common {
  readonly type: 'list';
  readonly default: readonly [];
  /** The regular expression of an item, and the message for one that doesn't match. */
  readonly item: { readonly pattern: string; readonly otherwise: string };
}
