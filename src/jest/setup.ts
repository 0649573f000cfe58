/** A setup file for Jest: `setupFilesAfterEnv: ['respite/jest/setup']`. */
import type { RespiteServer } from '../embedded/api.ts';
import { useServer } from './index.ts';

/** The server of this file's tests. */
export const server: RespiteServer = useServer();
