final class ServeHonest {
    /** An honest counter is greater than the last one by any number, and has 64 bits: long, never int or double. */
    static boolean isGreater(long counter, long highest) {
        return counter > highest;
    }

    /** The export of the AuthKey says so if its salt has another length than 20. */
    static int saltLength(Integer ofExport) {
        return ofExport == null ? 20 : ofExport;
    }
}
