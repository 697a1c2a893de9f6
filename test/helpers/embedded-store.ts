import { ready, sqliteRoom } from './sqlite-store.ts';
import type { StorePlace } from './store-place.ts';

/** An empty embedded store, which each call opens once more. */
export const embeddedStore: StorePlace = async (t) => {
  const room = await sqliteRoom(t);
  return () => ready(room.open());
};
