//! The two instruction sets, and which machine instruction does what in each.

use crate::ir::Precision;
use iced_x86::{Code, Register};

/// An instruction set with vectors wider than 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isa {
    /// 512 bits, 32 registers, masks in registers of their own.
    Avx512,
    /// 256 bits, 16 registers, masks as vectors.
    Avx2,
}

impl Isa {
    /// Returns the widest one that this processor has.
    pub fn detect() -> Option<Isa> {
        let avx512 = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq");
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        match (avx512, avx2) {
            (true, _) => Some(Isa::Avx512),
            (false, true) => Some(Isa::Avx2),
            _ => None,
        }
    }

    /// Returns all that this processor has.
    pub fn available() -> Vec<Isa> {
        match Isa::detect() {
            Some(Isa::Avx512) => vec![Isa::Avx512, Isa::Avx2],
            found => found.into_iter().collect(),
        }
    }

    /// Returns the bytes of a vector.
    pub fn bytes(self) -> usize {
        match self {
            Isa::Avx512 => 64,
            Isa::Avx2 => 32,
        }
    }

    /// Returns the number of vector registers.
    pub fn registers(self) -> u8 {
        match self {
            Isa::Avx512 => 32,
            Isa::Avx2 => 16,
        }
    }
}

/// An instruction set and a type of lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// The set.
    pub isa: Isa,
    /// The type of floats.
    pub precision: Precision,
}

impl Form {
    /// Returns the lanes of a vector.
    pub fn lanes(self) -> usize {
        self.isa.bytes() / self.precision.bytes()
    }

    /// Returns how many lanes share a byte of an event slot.
    pub fn lanes_per_byte(self) -> usize {
        self.lanes().min(8)
    }

    /// Returns the bytes that a vector's lanes take in an event slot.
    pub fn event_bytes(self) -> usize {
        self.lanes() / self.lanes_per_byte()
    }

    /// Returns a vector register.
    pub fn vector(self, n: u8) -> Register {
        match self.isa {
            Isa::Avx512 => Register::ZMM0 + u32::from(n),
            Isa::Avx2 => Register::YMM0 + u32::from(n),
        }
    }

    /// Returns the machine instruction of an operation.
    pub fn code(self, op: Vop) -> Code {
        let column = match (self.isa, self.precision) {
            (Isa::Avx512, Precision::F32) => 0,
            (Isa::Avx512, Precision::F64) => 1,
            (Isa::Avx2, Precision::F32) => 2,
            (Isa::Avx2, Precision::F64) => 3,
        };
        op.codes()[column]
    }
}

macro_rules! vops {
    ($($(#[$doc:meta])* $name:ident: $zs:ident $zd:ident $ys:ident $yd:ident;)*) => {
        /// What vector instructions do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Vop { $($(#[$doc])* $name),* }

        impl Vop {
            /// AVX-512 in single and double precision, AVX2 in single and double precision.
            fn codes(self) -> [Code; 4] {
                match self { $(Vop::$name => [Code::$zs, Code::$zd, Code::$ys, Code::$yd]),* }
            }
        }
    };
}

vops! {
    /// `a + b`
    Add: EVEX_Vaddps_zmm_k1z_zmm_zmmm512b32_er EVEX_Vaddpd_zmm_k1z_zmm_zmmm512b64_er VEX_Vaddps_ymm_ymm_ymmm256 VEX_Vaddpd_ymm_ymm_ymmm256;
    /// `a - b`
    Sub: EVEX_Vsubps_zmm_k1z_zmm_zmmm512b32_er EVEX_Vsubpd_zmm_k1z_zmm_zmmm512b64_er VEX_Vsubps_ymm_ymm_ymmm256 VEX_Vsubpd_ymm_ymm_ymmm256;
    /// `a * b`
    Mul: EVEX_Vmulps_zmm_k1z_zmm_zmmm512b32_er EVEX_Vmulpd_zmm_k1z_zmm_zmmm512b64_er VEX_Vmulps_ymm_ymm_ymmm256 VEX_Vmulpd_ymm_ymm_ymmm256;
    /// `a / b`
    Div: EVEX_Vdivps_zmm_k1z_zmm_zmmm512b32_er EVEX_Vdivpd_zmm_k1z_zmm_zmmm512b64_er VEX_Vdivps_ymm_ymm_ymmm256 VEX_Vdivpd_ymm_ymm_ymmm256;
    /// `if a < b { a } else { b }`
    Min: EVEX_Vminps_zmm_k1z_zmm_zmmm512b32_sae EVEX_Vminpd_zmm_k1z_zmm_zmmm512b64_sae VEX_Vminps_ymm_ymm_ymmm256 VEX_Vminpd_ymm_ymm_ymmm256;
    /// `if a > b { a } else { b }`
    Max: EVEX_Vmaxps_zmm_k1z_zmm_zmmm512b32_sae EVEX_Vmaxpd_zmm_k1z_zmm_zmmm512b64_sae VEX_Vmaxps_ymm_ymm_ymmm256 VEX_Vmaxpd_ymm_ymm_ymmm256;
    /// `sqrt(a)`
    Sqrt: EVEX_Vsqrtps_zmm_k1z_zmmm512b32_er EVEX_Vsqrtpd_zmm_k1z_zmmm512b64_er VEX_Vsqrtps_ymm_ymmm256 VEX_Vsqrtpd_ymm_ymmm256;
    /// Rounds as an immediate says.
    Round: EVEX_Vrndscaleps_zmm_k1z_zmmm512b32_imm8_sae EVEX_Vrndscalepd_zmm_k1z_zmmm512b64_imm8_sae VEX_Vroundps_ymm_ymmm256_imm8 VEX_Vroundpd_ymm_ymmm256_imm8;
    /// `d = d * c + b`
    Fma132: EVEX_Vfmadd132ps_zmm_k1z_zmm_zmmm512b32_er EVEX_Vfmadd132pd_zmm_k1z_zmm_zmmm512b64_er VEX_Vfmadd132ps_ymm_ymm_ymmm256 VEX_Vfmadd132pd_ymm_ymm_ymmm256;
    /// `d = b * d + c`
    Fma213: EVEX_Vfmadd213ps_zmm_k1z_zmm_zmmm512b32_er EVEX_Vfmadd213pd_zmm_k1z_zmm_zmmm512b64_er VEX_Vfmadd213ps_ymm_ymm_ymmm256 VEX_Vfmadd213pd_ymm_ymm_ymmm256;
    /// `d = b * c + d`
    Fma231: EVEX_Vfmadd231ps_zmm_k1z_zmm_zmmm512b32_er EVEX_Vfmadd231pd_zmm_k1z_zmm_zmmm512b64_er VEX_Vfmadd231ps_ymm_ymm_ymmm256 VEX_Vfmadd231pd_ymm_ymm_ymmm256;
    /// `d = -(d * c) + b`
    Fnma132: EVEX_Vfnmadd132ps_zmm_k1z_zmm_zmmm512b32_er EVEX_Vfnmadd132pd_zmm_k1z_zmm_zmmm512b64_er VEX_Vfnmadd132ps_ymm_ymm_ymmm256 VEX_Vfnmadd132pd_ymm_ymm_ymmm256;
    /// `d = -(b * d) + c`
    Fnma213: EVEX_Vfnmadd213ps_zmm_k1z_zmm_zmmm512b32_er EVEX_Vfnmadd213pd_zmm_k1z_zmm_zmmm512b64_er VEX_Vfnmadd213ps_ymm_ymm_ymmm256 VEX_Vfnmadd213pd_ymm_ymm_ymmm256;
    /// `d = -(b * c) + d`
    Fnma231: EVEX_Vfnmadd231ps_zmm_k1z_zmm_zmmm512b32_er EVEX_Vfnmadd231pd_zmm_k1z_zmm_zmmm512b64_er VEX_Vfnmadd231ps_ymm_ymm_ymmm256 VEX_Vfnmadd231pd_ymm_ymm_ymmm256;
    /// `d = d * c - b`
    Fms132: EVEX_Vfmsub132ps_zmm_k1z_zmm_zmmm512b32_er EVEX_Vfmsub132pd_zmm_k1z_zmm_zmmm512b64_er VEX_Vfmsub132ps_ymm_ymm_ymmm256 VEX_Vfmsub132pd_ymm_ymm_ymmm256;
    /// `d = b * d - c`
    Fms213: EVEX_Vfmsub213ps_zmm_k1z_zmm_zmmm512b32_er EVEX_Vfmsub213pd_zmm_k1z_zmm_zmmm512b64_er VEX_Vfmsub213ps_ymm_ymm_ymmm256 VEX_Vfmsub213pd_ymm_ymm_ymmm256;
    /// `d = b * c - d`
    Fms231: EVEX_Vfmsub231ps_zmm_k1z_zmm_zmmm512b32_er EVEX_Vfmsub231pd_zmm_k1z_zmm_zmmm512b64_er VEX_Vfmsub231ps_ymm_ymm_ymmm256 VEX_Vfmsub231pd_ymm_ymm_ymmm256;
    /// `d = -(d * c) - b`
    Fnms132: EVEX_Vfnmsub132ps_zmm_k1z_zmm_zmmm512b32_er EVEX_Vfnmsub132pd_zmm_k1z_zmm_zmmm512b64_er VEX_Vfnmsub132ps_ymm_ymm_ymmm256 VEX_Vfnmsub132pd_ymm_ymm_ymmm256;
    /// `d = -(b * d) - c`
    Fnms213: EVEX_Vfnmsub213ps_zmm_k1z_zmm_zmmm512b32_er EVEX_Vfnmsub213pd_zmm_k1z_zmm_zmmm512b64_er VEX_Vfnmsub213ps_ymm_ymm_ymmm256 VEX_Vfnmsub213pd_ymm_ymm_ymmm256;
    /// `d = -(b * c) - d`
    Fnms231: EVEX_Vfnmsub231ps_zmm_k1z_zmm_zmmm512b32_er EVEX_Vfnmsub231pd_zmm_k1z_zmm_zmmm512b64_er VEX_Vfnmsub231ps_ymm_ymm_ymmm256 VEX_Vfnmsub231pd_ymm_ymm_ymmm256;
    /// Bits of `a ^ b`
    Xor: EVEX_Vxorps_zmm_k1z_zmm_zmmm512b32 EVEX_Vxorpd_zmm_k1z_zmm_zmmm512b64 VEX_Vxorps_ymm_ymm_ymmm256 VEX_Vxorpd_ymm_ymm_ymmm256;
    /// Bits of `a & b`
    And: EVEX_Vandps_zmm_k1z_zmm_zmmm512b32 EVEX_Vandpd_zmm_k1z_zmm_zmmm512b64 VEX_Vandps_ymm_ymm_ymmm256 VEX_Vandpd_ymm_ymm_ymmm256;
    /// Bits of `!a & b`
    AndNot: EVEX_Vandnps_zmm_k1z_zmm_zmmm512b32 EVEX_Vandnpd_zmm_k1z_zmm_zmmm512b64 VEX_Vandnps_ymm_ymm_ymmm256 VEX_Vandnpd_ymm_ymm_ymmm256;
    /// Bits of `a | b`
    Or: EVEX_Vorps_zmm_k1z_zmm_zmmm512b32 EVEX_Vorpd_zmm_k1z_zmm_zmmm512b64 VEX_Vorps_ymm_ymm_ymmm256 VEX_Vorpd_ymm_ymm_ymmm256;
    /// Integer `a + b`
    IAdd: EVEX_Vpaddd_zmm_k1z_zmm_zmmm512b32 EVEX_Vpaddq_zmm_k1z_zmm_zmmm512b64 VEX_Vpaddd_ymm_ymm_ymmm256 VEX_Vpaddq_ymm_ymm_ymmm256;
    /// Integer `a - b`
    ISub: EVEX_Vpsubd_zmm_k1z_zmm_zmmm512b32 EVEX_Vpsubq_zmm_k1z_zmm_zmmm512b64 VEX_Vpsubd_ymm_ymm_ymmm256 VEX_Vpsubq_ymm_ymm_ymmm256;
    /// `a << n`
    Shl: EVEX_Vpslld_zmm_k1z_zmmm512b32_imm8 EVEX_Vpsllq_zmm_k1z_zmmm512b64_imm8 VEX_Vpslld_ymm_ymm_imm8 VEX_Vpsllq_ymm_ymm_imm8;
    /// `a >> n`
    Shr: EVEX_Vpsrld_zmm_k1z_zmmm512b32_imm8 EVEX_Vpsrlq_zmm_k1z_zmmm512b64_imm8 VEX_Vpsrld_ymm_ymm_imm8 VEX_Vpsrlq_ymm_ymm_imm8;
    /// Compares as an immediate says.
    Compare: EVEX_Vcmpps_kr_k1_zmm_zmmm512b32_imm8_sae EVEX_Vcmppd_kr_k1_zmm_zmmm512b64_imm8_sae VEX_Vcmpps_ymm_ymm_ymmm256_imm8 VEX_Vcmppd_ymm_ymm_ymmm256_imm8;
    /// `if mask { b } else { a }`
    Blend: EVEX_Vblendmps_zmm_k1z_zmm_zmmm512b32 EVEX_Vblendmpd_zmm_k1z_zmm_zmmm512b64 VEX_Vblendvps_ymm_ymm_ymmm256_ymm VEX_Vblendvpd_ymm_ymm_ymmm256_ymm;
    /// Copies a register or loads one.
    Move: EVEX_Vmovups_zmm_k1z_zmmm512 EVEX_Vmovupd_zmm_k1z_zmmm512 VEX_Vmovups_ymm_ymmm256 VEX_Vmovupd_ymm_ymmm256;
    /// Stores a register.
    Store: EVEX_Vmovups_zmmm512_k1z_zmm EVEX_Vmovupd_zmmm512_k1z_zmm VEX_Vmovups_ymmm256_ymm VEX_Vmovupd_ymmm256_ymm;
    /// Loads one number into all lanes.
    Broadcast: EVEX_Vbroadcastss_zmm_k1z_xmmm32 EVEX_Vbroadcastsd_zmm_k1z_xmmm64 VEX_Vbroadcastss_ymm_m32 VEX_Vbroadcastsd_ymm_m64;
    /// The sign bits as an integer; of masks as vectors.
    SignBits: INVALID INVALID VEX_Vmovmskps_r32_ymm VEX_Vmovmskpd_r32_ymm;
    /// Both masks; of masks in registers of their own.
    MaskAnd: VEX_Kandw_kr_kr_kr VEX_Kandb_kr_kr_kr INVALID INVALID;
    /// The second mask without the first.
    MaskAndNot: VEX_Kandnw_kr_kr_kr VEX_Kandnb_kr_kr_kr INVALID INVALID;
    /// Either mask.
    MaskOr: VEX_Korw_kr_kr_kr VEX_Korb_kr_kr_kr INVALID INVALID;
    /// The opposite mask.
    MaskNot: VEX_Knotw_kr_kr VEX_Knotb_kr_kr INVALID INVALID;
    /// No lane of a mask and itself.
    MaskXor: VEX_Kxorw_kr_kr_kr VEX_Kxorb_kr_kr_kr INVALID INVALID;
    /// All lanes of a mask and itself.
    MaskXnor: VEX_Kxnorw_kr_kr_kr VEX_Kxnorb_kr_kr_kr INVALID INVALID;
    /// Sets the zero flag if neither mask has a lane.
    MaskTest: VEX_Kortestw_kr_kr VEX_Kortestb_kr_kr INVALID INVALID;
    /// Stores a mask.
    MaskStore: VEX_Kmovw_m16_kr VEX_Kmovb_m8_kr INVALID INVALID;
    /// Loads a mask.
    MaskLoad: VEX_Kmovw_kr_km16 VEX_Kmovb_kr_km8 INVALID INVALID;
}

/// Immediates of [`Vop::Compare`]: ordered, quiet, and the opposites of those.
pub mod compare {
    /// `a < b`
    pub const LT: u32 = 0x11;
    /// `a <= b`
    pub const LE: u32 = 0x12;
    /// `a == b`
    pub const EQ: u32 = 0x00;
    /// `!(a < b)`
    pub const NLT: u32 = 0x15;
    /// `!(a <= b)`
    pub const NLE: u32 = 0x16;
    /// `!(a == b)`
    pub const NE: u32 = 0x04;
}

/// Immediates of [`Vop::Round`], without signalling.
pub mod round {
    /// Ties to even.
    pub const NEAREST: u32 = 0x08;
    /// Downwards.
    pub const FLOOR: u32 = 0x09;
}
