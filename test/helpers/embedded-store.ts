import type { PrepareStore } from './prepare-store.ts';
import { ready, sqliteFolder } from './sqlite-store.ts';

/** Prepares an empty embedded store. Each call of the result opens it once more. */
export const embeddedStore: PrepareStore = async (t) => {
  const folder = await sqliteFolder(t);
  return () => ready(folder.open());
};
