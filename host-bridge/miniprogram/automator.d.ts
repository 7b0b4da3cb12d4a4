import type { Options } from './example/soter-sim'

/** The part of miniprogram-automator's MiniProgram that is used here. */
export interface MiniProgramLike {
  mockWxMethod(method: string, fn: string, ...args: any[]): Promise<void>
  restoreWxMethod(method: string): Promise<void>
}

export interface Mock {
  /**
   * Calls the automator's `restoreWxMethod` for each call. Some versions of DevTools are known not to restore. The mocks
   * then stay until the mini program is compiled again.
   */
  restore(): Promise<void>
}

/**
 * Lets soter-sim answer the SOTER calls of a mini program that is driven by miniprogram-automator. The mini program itself
 * stays as it is: `mockWxMethod` sends the client into it.
 *
 * What runs before this, such as `onLaunch`, has not been mocked yet.
 *
 * @throws TypeError if an option is not what it should be.
 */
export function mockSoter(miniProgram: MiniProgramLike, options?: Omit<Options, 'connectSocket'>): Promise<Mock>
