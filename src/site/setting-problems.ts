import type { Config } from '../config/config.ts';
import { findMisspeltSettings, isGeneric, toComplaint } from '../config/misspelt-settings.ts';
import { SETTINGS, toFlag } from '../config/settings.ts';
import type { Problem } from '../contract/problem.ts';
import type { EnvFile } from './env-file.ts';

/** The origin of a variable of the process, instead of a file. */
const ENVIRONMENT = 'environment';

/**
 * Returns a warning for each variable that looks like a misspelt setting of nexthop, and for each setting that only the `.env` of the site sets: settings are read from the
 * environment of the process and from flags.
 */
export function findSettingProblems(
  { functionEnv, given }: Pick<Config, 'functionEnv' | 'given'>,
  { values, lines, file }: EnvFile,
): readonly Problem[] {
  const own = Object.fromEntries(Object.entries(values).filter(([name]) => functionEnv[name] === undefined));
  const settings = Object.keys(own).filter((name) => Object.hasOwn(SETTINGS, name) && !isGeneric(name));
  const toProblem = (name: string, message: string): Problem => {
    const line = lines.get(name);
    return { severity: 'warning', file, ...(line !== undefined && { line }), message };
  };
  return [
    ...findMisspeltSettings(functionEnv, { given }).map(
      (each): Problem => ({ severity: 'warning', file: ENVIRONMENT, message: toComplaint(each) }),
    ),
    ...findMisspeltSettings(own, { given, isForSite: true }).map((each) =>
      toProblem(each.name, `${toComplaint(each)} ${elsewhere(each.setting)}`),
    ),
    ...settings
      .filter((name) => !given.has(name))
      .map((name) => toProblem(name, `${name} is a setting of nexthop, and not read here. ${elsewhere(name)}`)),
  ];
}

function elsewhere(setting: string): string {
  return `Set it in the environment of the process, or as --${toFlag(setting)}`;
}
