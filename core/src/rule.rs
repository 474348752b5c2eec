//! The rules a step can cite: one table with an identifier, the pseudocode function that decides, and a paraphrase.

macro_rules! rules {
    ($($variant:ident $id:literal $source:literal $text:literal;)+) => {
        /// A rule of the architecture that decided a step.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $(#[doc = concat!("`", $id, "`, decided by ", $source, ".")] $variant,)+
        }

        impl Rule {
            /// Every rule, in table order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// A stable identifier.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$variant => $id),+ }
            }

            /// The function of Arm's pseudocode that states the rule.
            #[must_use]
            pub const fn source(self) -> &'static str {
                match self { $(Self::$variant => $source),+ }
            }

            /// The rule in one sentence.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

rules! {
    // The instruction.
    AtBegin "at-begin" "AArch64.AT"
        "AT asks for the translation of an address without accessing it, and leaves the answer in PAR_EL1.";
    AccessBegin "access-begin" "AArch64.TranslateAddress"
        "An access translates its address in the regime of the Exception level whose permissions it uses.";
    UnprivilegedIsPrivileged "unprivileged-is-privileged" "AArch64.IsUnprivAccessPriv"
        "Here the instruction would act as LDR, STR or GCSSTR; the answer is that of the access as EL0.";
    AtUndefinedEl0 "at-undefined-el0" "AT accessors"
        "AT is UNDEFINED at EL0.";
    AtUndefinedEl "at-undefined-el" "AT accessors"
        "AT for a higher Exception level, or for both stages, is UNDEFINED at EL1.";
    AtUndefinedEl3 "at-undefined-below-el3" "AT accessors"
        "AT S1E3x is UNDEFINED below EL3.";
    AtUndefinedEl2Disabled "at-undefined-el2-disabled" "AT accessors"
        "AT S1E2x at EL3 is UNDEFINED when EL2 is not enabled in the current Security state.";
    AtUndefinedWorld "at-undefined-world" "AArch64.AT"
        "SCR_EL3.{NSE, NS} = {1, 0} names no Security state: AT for a lower Exception level is UNDEFINED.";
    AtUndefinedFeature "at-undefined-feature" "AT accessors"
        "This AT instruction is UNDEFINED because the feature that adds it is not implemented.";
    GcsUndefinedFeature "gcs-undefined-feature" "HaveGCS"
        "FEAT_GCS is not implemented: the instructions for guarded control stacks are UNDEFINED.";
    AtTrapHcr "at-trap-hcr" "AT accessors"
        "HCR_EL2.AT = 1 traps AT S1E0x and S1E1x at EL1 to EL2.";
    AtTrapFgt "at-trap-fgt" "AT accessors"
        "The instruction's bit in HFGITR_EL2 is 1 and fine-grained traps are enabled: it is trapped to EL2.";
    AtTrapNv "at-trap-nv" "AT accessors"
        "HCR_EL2.NV = 1 makes an EL2 instruction at EL1 trap to EL2 instead of being UNDEFINED.";
    AtRegime "at-regime" "TranslationRegime"
        "The instruction, the Exception level and HCR_EL2.{E2H, TGE} choose the translation regime.";

    // Stage 1, before the walk.
    S1Disabled "s1-disabled" "AArch64.S1Enabled"
        "Stage 1 is off: the address passes through unchanged.";
    S1DisabledSize "s1-disabled-address-size" "AArch64.S1DisabledOutput"
        "With stage 1 off, an address beyond the physical address size is an Address size fault at level 0.";
    S1TxSz "s1-txsz" "AArch64.S1TxSZFaults"
        "TxSZ is outside its bounds, and the implementation faults on that.";
    S1Start "s1-start" "AArch64.S1InitialTTWState"
        "TCR gives the granule and the input size, these give the start level, and TTBR gives the first table.";
    S1VaRange "s1-va-out-of-range" "AArch64.VAIsOutOfRange"
        "The VA has bits above its input address size that are not a sign extension of its range.";
    S1E0pd "s1-e0pd" "AArch64.S1Translate"
        "E0PD forbids EL0 this half of the address space: a Translation fault at level 0, whatever the tables say.";
    S1Epd "s1-epd" "AArch64.S1EPD"
        "EPD disables walks through this TTBR.";
    S1Base "s1-base-address-size" "AArch64.S1Walk"
        "The first table lies beyond the output address size: an Address size fault, reported at level 0.";

    // The walk, either stage.
    DescriptorRead "descriptor-read" "FetchDescriptor"
        "The descriptor is read from the table at the index the input address gives.";
    DescriptorAbort "descriptor-abort" "HandleExternalTTWAbort"
        "The memory system answers the descriptor access with an External abort.";
    DescriptorInvalid "descriptor-invalid" "AArch64.DecodeDescriptorType"
        "The descriptor is invalid: bit 0 is 0, or it is a block where this granule and level have none.";
    DescriptorTable "descriptor-table" "AArch64.NextTableBase"
        "Bits 1:0 are 0b11 above level 3: the descriptor points to the next table.";
    TableNt "table-nt" "AArch64.BlocknTFaults"
        "The table descriptor skips levels and its nT bit is 1, and the implementation faults on that.";
    TableAccessFlag "table-access-flag-update" "AArch64.MemSwapTableDesc"
        "HAFT = 1: hardware sets the access flag in the table descriptor by compare-and-swap, and decodes it again.";
    StartLevelReserved "start-level-reserved" "AArch64.S1StartLevel"
        "The base register's SKL skips past the last level, which is reserved: here a Translation fault at level 0.";
    TableAddressSize "table-address-size" "AArch64.OAOutOfRange"
        "The next table lies beyond the output address size: an Address size fault at the level of its descriptor.";
    DescriptorLeaf "descriptor-leaf" "StageOA"
        "The descriptor maps a block or a page: its address bits, then the rest of the input address.";
    LeafContiguous "leaf-contiguous" "AArch64.ContiguousBitFaults"
        "The Contiguous bit spans more than the input address space, and the implementation faults on that.";
    LeafNt "leaf-nt" "AArch64.BlocknTFaults"
        "The block's nT bit is 1, and the implementation faults on that.";
    LeafAlternateContext "leaf-alternate-context" "AArch64.S1AMECFault"
        "The leaf asks for the alternate encryption context (AMEC = 1), which TCR2_EL2.{AMEC0, AMEC1} does not allow.";
    LeafAddressSize "leaf-address-size" "AArch64.OAOutOfRange"
        "The output address lies beyond the output address size.";
    LeafAccessFlag "leaf-access-flag" "AArch64.S1Walk"
        "The access flag is 0 and hardware does not set it (HA = 0).";

    // Stage 1, after the walk.
    S1Permissions "s1-permissions" "AArch64.S1DirectBasePermissions"
        "AP, the table's APTable and the execute-never bits give the permissions of the access's Exception level.";
    S1PermissionsIndirect "s1-permissions-indirect" "AArch64.S1IndirectBasePermissions"
        "PIIndex selects the permissions in PIR_ELx and PIRE0_ELx.";
    S1PermissionOverlay "s1-permission-overlay" "AArch64.S1CheckPermissions"
        "The permission overlay in POR_ELx takes the permission away.";
    S1PermissionDirty "s1-permission-dirty" "AArch64.S1CheckPermissions"
        "The page is writable but clean (nDirty = 1), and hardware does not make it dirty.";
    S1PermissionRead "s1-permission-read" "AArch64.S1CheckPermissions"
        "Stage 1 does not let this Exception level read here.";
    S1PermissionWrite "s1-permission-write" "AArch64.S1CheckPermissions"
        "Stage 1 does not let this Exception level write here.";
    S1PermissionFetch "s1-permission-fetch" "AArch64.S1CheckPermissions"
        "Stage 1 does not let this Exception level execute here.";
    S1PermissionPan "s1-permission-pan" "AArch64.S1DirectBasePermissions"
        "PSTATE.PAN = 1 takes privileged access away from memory that EL0 can reach.";
    FetchFromDevice "fetch-from-device" "AArch64.S1CheckPermissions"
        "An instruction fetch from Device memory, which the implementation faults.";
    S1PermissionStack "s1-permission-guarded-control-stack" "AArch64.S1CheckPermissions"
        "This is no guarded control stack of this Exception level: code 0b1001 in PIR_ELx or PIRE0_ELx makes one.";
    S1PermissionPassed "s1-permission-passed" "AArch64.S1CheckPermissions"
        "Stage 1 permits the access.";
    S1PermissionStackPassed "s1-permission-guarded-control-stack-passed" "AArch64.S1CheckPermissions"
        "This is a guarded control stack, which its own accesses may read and write; overlays have no say in it.";
    S1AccessFlag "s1-access-flag-update" "AArch64.MemSwapTableDesc"
        "HA = 1: hardware sets the access flag in the leaf by compare-and-swap. AT does so too.";
    S1Dirty "s1-dirty-update" "AArch64.MemSwapTableDesc"
        "HD = 1 and DBM = 1: a write makes hardware clear AP[2] in the leaf by compare-and-swap. AT never does.";
    SwapLost "swap-lost" "AArch64.S1Translate"
        "The descriptor changed under the walk: the compare fails and the walk starts again.";
    S1Attributes "s1-attributes" "S1DecodeMemAttrs"
        "AttrIndx selects a MAIR byte, which with SH gives the memory attributes.";
    S1AttributesNonCacheable "s1-attributes-non-cacheable" "AArch64.S1Translate"
        "SCTLR_ELx.{C, I} (or a fetch from Device memory) turns the attributes into Normal Non-cacheable.";
    S1Output "s1-output" "AArch64.S1Translate"
        "Stage 1 has an output address.";

    // Stage 2.
    S2Disabled "s2-disabled" "AArch64.S2Translate"
        "Stage 2 is off (HCR_EL2.{VM, DC} = {0, 0}): the IPA is the PA.";
    S2TxSz "s2-txsz" "AArch64.S2TxSZFaults"
        "VTCR_EL2.T0SZ is outside its bounds, and the implementation faults on that.";
    S2StartLevel "s2-start-level" "AArch64.S2InvalidSL"
        "VTCR_EL2.{SL2, SL0} name a start level that is reserved or not implemented.";
    S2StartInconsistent "s2-start-inconsistent" "AArch64.S2InconsistentSL"
        "The start level does not fit the IPA size: more than 16 concatenated tables, or less than one.";
    S2Start "s2-start" "AArch64.S2InitialTTWState"
        "VTCR_EL2 gives the granule, the IPA size and the start level, and VTTBR_EL2 gives the first table.";
    S2IpaRange "s2-ipa-out-of-range" "AArch64.IPAIsOutOfRange"
        "The IPA does not fit the IPA size that VTCR_EL2.T0SZ gives.";
    S2Base "s2-base-address-size" "AArch64.S2Walk"
        "The first table lies beyond the output address size: an Address size fault, reported at level 0.";
    S2Permissions "s2-permissions" "AArch64.S2DirectBasePermissions"
        "S2AP and XN[1:0] give stage 2's permissions.";
    S2PermissionsIndirect "s2-permissions-indirect" "AArch64.S2IndirectBasePermissions"
        "PIIndex selects the permissions in S2PIR_EL2.";
    S2PermissionOverlay "s2-permission-overlay" "AArch64.S2CheckPermissions"
        "The permission overlay in S2POR_EL1 takes the permission away.";
    S2PermissionDirty "s2-permission-dirty" "AArch64.S2CheckPermissions"
        "The page is writable but clean (Dirty = 0), and hardware does not make it dirty.";
    S2PermissionTopLevel "s2-permission-top-level" "AArch64.S2CheckPermissions"
        "VTCR_EL2.{TL0, TL1} want the first stage 1 table in memory that is marked for that VA range.";
    S2PermissionAssuredOnly "s2-permission-assured-only" "AArch64.S2CheckPermissions"
        "AssuredOnly memory, and stage 1's descriptors are not all Protected and in memory that only the MMU writes.";
    S2PermissionAssuredStack "s2-permission-assured-stack" "AArch64.S2CheckPermissions"
        "VTCR_EL2.GCSH = 1 wants the guarded control stacks of EL1 in AssuredOnly memory.";
    S2PermissionRealm "s2-permission-realm" "AArch64.S2CheckPermissions"
        "A Realm may keep tables and code only in Realm memory.";
    S2PermissionRead "s2-permission-read" "AArch64.S2CheckPermissions"
        "Stage 2 does not permit the read.";
    S2PermissionWrite "s2-permission-write" "AArch64.S2CheckPermissions"
        "Stage 2 does not permit the write.";
    S2PermissionFetch "s2-permission-fetch" "AArch64.S2CheckPermissions"
        "Stage 2 does not permit execution.";
    S2PermissionWalkDevice "s2-permission-walk-device" "AArch64.S2CheckPermissions"
        "HCR_EL2.PTW = 1 forbids stage 1 tables in memory that stage 2 maps as Device.";
    S2PermissionPassed "s2-permission-passed" "AArch64.S2CheckPermissions"
        "Stage 2 permits the access.";
    S2AccessFlag "s2-access-flag-update" "AArch64.MemSwapTableDesc"
        "VTCR_EL2.HA = 1: hardware sets the access flag in the stage 2 leaf by compare-and-swap.";
    S2Dirty "s2-dirty-update" "AArch64.MemSwapTableDesc"
        "VTCR_EL2.HD = 1 and DBM = 1: a write makes hardware set S2AP[1] by compare-and-swap.";
    S2Attributes "s2-attributes" "S2CombineS1MemAttrs"
        "Stage 2's attributes combine with stage 1's: the stricter type, cacheability and shareability win.";
    S2AttributesFwb "s2-attributes-fwb" "AArch64.S2ApplyFWBMemAttrs"
        "HCR_EL2.FWB = 1: stage 2's attributes decide, and may pass stage 1's through.";
    S2Output "s2-output" "AArch64.S2Translate"
        "Stage 2 has an output address.";

    // Granule protection.
    GptEntry "gpt-entry" "GPTWalk"
        "The granule protection table says which physical address space the granule belongs to.";
    GpcPassed "gpc-passed" "GranuleProtectionCheck"
        "The granule belongs to the physical address space of the access.";
    GpcRegisters "gpc-registers" "GPCRegistersConsistent"
        "GPCCR_EL3 holds a reserved or inconsistent configuration: every check fails.";
    GpcAbovePps "gpc-above-pps" "AbovePPS"
        "Beyond GPCCR_EL3.PPS only the Non-secure physical address space exists.";
    GpcBase "gpc-base" "GranuleProtectionCheck"
        "GPTBR_EL3 points beyond GPCCR_EL3.PPS.";
    GpcAbort "gpc-abort" "GPTWalk"
        "The memory system answers the granule protection table read with an External abort.";
    GpcMalformed "gpc-malformed" "GPTWalk"
        "The granule protection table entry is malformed.";
    GpcTableSize "gpc-table-size" "DecodeGPTTable"
        "The level 1 granule protection table lies beyond GPCCR_EL3.PPS.";
    GpcFail "gpc-fail" "GPICheck"
        "The granule does not belong to the physical address space of the access.";

    // The result.
    ParSuccess "par-success" "AArch64.EncodePAR"
        "The translation succeeded: PAR_EL1.F = 0, with the address and its memory attributes.";
    ParFault "par-fault" "AArch64.EncodePAR"
        "The translation failed: PAR_EL1.F = 1, with the fault status.";
    ParNoHint "par-no-hint" "AArch64.EncodePAR"
        "Stage 2 faulted on the stage 1 walk above EL1: PAR_EL1 says so (S = 1, PTW = 1), nothing says which IPA.";
    AtExceptionStage2 "at-exception-stage2" "AArch64.AT"
        "Stage 2 faulted on the stage 1 walk at EL1: taken to EL2, with the descriptor's IPA in HPFAR_EL2.";
    AtExceptionExternal "at-exception-external" "AArch64.AT"
        "An External abort on the walk is taken as an exception; PAR_EL1 becomes UNKNOWN.";
    AtExceptionGpc "at-exception-gpc" "AArch64.AT"
        "A granule protection fault that is reported as an exception; PAR_EL1 becomes UNKNOWN.";
    AccessException "access-exception" "AArch64.Abort"
        "An ordinary access that does not translate takes an exception.";
    AccessPerformed "access-performed" "AArch64.TranslateAddress"
        "The access goes to the output address.";
}

#[cfg(test)]
mod tests {
    use super::Rule;
    use alloc::collections::BTreeSet;

    #[test]
    fn identifiers_are_unique_and_texts_are_sentences() {
        let ids: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
        assert_eq!(ids.len(), Rule::ALL.len());
        for rule in Rule::ALL {
            assert!(rule.text().ends_with('.') && !rule.source().is_empty(), "{}", rule.id());
        }
    }
}
